#include "pressure/action_ladder.h"

#include <gtest/gtest.h>

namespace rmem {
namespace {

/** A ladder and a clock of one second. */
class Climb {
 public:
  explicit Climb(const PressurePolicy& policy = {}) : ladder_(policy) {}

  PressureLevel At(double usage, double chance = 0.15, int seconds = 1) {
    PressureLevel level = ladder_.level();
    for (int i = 0; i < seconds; ++i) level = ladder_.Observe(second_++, usage, chance);
    return level;
  }

  ActionLadder& ladder() { return ladder_; }

 private:
  ActionLadder ladder_;
  double second_ = 0;
};

TEST(ActionLadder, EntersAfterTwoSamples) {
  Climb climb;
  EXPECT_EQ(climb.At(0.75), PressureLevel::kNormal);
  EXPECT_EQ(climb.At(0.75), PressureLevel::kWarning);
  EXPECT_EQ(climb.ladder().reason(), LevelReason::kUsage);
  EXPECT_EQ(climb.At(0.85), PressureLevel::kWarning);
  EXPECT_EQ(climb.At(0.85), PressureLevel::kHigh);
}

TEST(ActionLadder, OneSampleIsNoLevel) {
  Climb climb;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(climb.At(0.92), PressureLevel::kNormal);
    EXPECT_EQ(climb.At(0.5), PressureLevel::kNormal);
  }
}

TEST(ActionLadder, AnEmergencyByUsageWaitsForNothing) {
  Climb climb;
  EXPECT_EQ(climb.At(0.96, 0), PressureLevel::kEmergency);
}

TEST(ActionLadder, LeavesFivePointsLowerAfterThirtySecondsAStepAtATime) {
  Climb climb;
  climb.At(0.92, 0.15, 2);
  EXPECT_EQ(climb.ladder().level(), PressureLevel::kCritical);
  EXPECT_EQ(climb.At(0.86, 0.15, 100), PressureLevel::kCritical);
  EXPECT_EQ(climb.ladder().reason(), LevelReason::kHeld);
  EXPECT_EQ(climb.At(0.5, 0, 30), PressureLevel::kCritical);
  EXPECT_EQ(climb.At(0.5, 0), PressureLevel::kHigh);
  EXPECT_EQ(climb.At(0.5, 0, 31), PressureLevel::kWarning);
  EXPECT_EQ(climb.At(0.5, 0, 31), PressureLevel::kNormal);
  EXPECT_EQ(climb.ladder().reason(), LevelReason::kNone);
}

TEST(ActionLadder, ASetbackBeginsTheWaitAgain) {
  Climb climb;
  climb.At(0.75, 0.15, 2);
  climb.At(0.5, 0, 29);
  climb.At(0.72, 0);
  EXPECT_EQ(climb.At(0.5, 0, 30), PressureLevel::kWarning);
  EXPECT_EQ(climb.At(0.5, 0), PressureLevel::kNormal);
}

TEST(ActionLadder, AChanceIsEnough) {
  Climb climb;
  EXPECT_EQ(climb.At(0.4, 0.6, 2), PressureLevel::kCritical);
  EXPECT_EQ(climb.ladder().reason(), LevelReason::kChance);
  EXPECT_DOUBLE_EQ(climb.ladder().reasonValue(), 0.6);
  PressurePolicy still;
  still.predictive = false;
  Climb blind(still);
  EXPECT_EQ(blind.At(0.4, 1, 10), PressureLevel::kNormal);
}

TEST(ActionLadder, HighUsageThatGoesNowhereIsOnlyAWarning) {
  Climb climb;
  EXPECT_EQ(climb.At(0.92, 0.0001, 600), PressureLevel::kWarning);
  PressurePolicy still;
  still.predictive = false;
  Climb blind(still);
  EXPECT_EQ(blind.At(0.92, 0.0001, 2), PressureLevel::kCritical);
}

TEST(ActionLadder, WhatNoLongerMovesIsLeftOnEitherSideOfTheThreshold) {
  for (const double usage : {0.91, 0.88}) {
    Climb climb;
    climb.At(0.92, 0.15, 2);
    ASSERT_EQ(climb.ladder().level(), PressureLevel::kCritical);
    EXPECT_EQ(climb.At(usage, 0.0001, 600), PressureLevel::kWarning) << usage;
  }
}

TEST(ActionLadder, CoolsDownButNotFromAnEmergency) {
  PressurePolicy policy;
  policy.leaveAfterS = 1;
  Climb climb(policy);
  climb.At(0.4, 0.45, 2);
  ASSERT_EQ(climb.ladder().level(), PressureLevel::kHigh);
  climb.At(0.4, 0, 3);
  ASSERT_LT(climb.ladder().level(), PressureLevel::kHigh);
  EXPECT_LT(climb.At(0.4, 0.45, 30), PressureLevel::kHigh);
  EXPECT_EQ(climb.At(0.96, 0.45), PressureLevel::kEmergency);
}

TEST(ActionLadder, ThresholdsMoveWithFalseAlarmsButTheLastStands) {
  PressurePolicy policy;
  policy.falseAlarmsPerHour = 0.1;
  Climb climb(policy);
  for (int alarm = 0; alarm < 30; ++alarm) {
    climb.At(0.945, 0.15, 3);
    climb.At(0.3, 0, 200);
  }
  const auto& thresholds = climb.ladder().thresholds();
  EXPECT_GT(thresholds[0], policy.thresholds[0] + 0.03);
  EXPECT_LE(thresholds[0], policy.thresholds[0] + 0.1 + 1e-9);
  EXPECT_LT(thresholds[2], thresholds[3]);
  EXPECT_EQ(thresholds[3], policy.thresholds[3]);
  // And come down where there are none.
  const double before = thresholds[0];
  climb.At(0.3, 0, 40 * 3600);
  EXPECT_LT(climb.ladder().thresholds()[0], before);
}

}  // namespace
}  // namespace rmem
