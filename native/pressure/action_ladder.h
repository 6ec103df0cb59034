#pragma once

#include <array>

#include "pressure/policy.h"

namespace rmem {

/** What the level follows from. */
enum class LevelReason {
  kNone,
  kUsage,   // usage is over the threshold
  kChance,  // the limit may be reached soon
  kHeld,    // neither any more, but not yet for long enough
};

/** Climbs and leaves the levels of a policy, with hysteresis. */
class ActionLadder {
 public:
  explicit ActionLadder(const PressurePolicy& policy) : policy_(policy), thresholds_(policy.thresholds) {}

  /** `usage`: share of the limit. `chance`: of reaching it within policy.aheadS; kUnknown where nobody
   * knows, so that usage alone decides. */
  PressureLevel Observe(double timeS, double usage, double chance);

  PressureLevel level() const { return level_; }
  /** What is due now: a level that is only held, until it was calm for long enough, asks for nothing more to
   * be done. */
  PressureLevel due() const { return due_; }
  LevelReason reason() const { return reason_; }
  /** The share or the chance behind the reason, and what it is over. */
  double reasonValue() const { return reasonValue_; }
  double reasonThreshold() const { return reasonThreshold_; }

  /** In force, as they have moved. */
  const std::array<double, kLevels>& thresholds() const { return thresholds_; }

 private:
  bool DueByUsage(int level, double usage, double chance) const;
  bool DueByChance(int level, double chance) const {
    return policy_.predictive && chance >= policy_.chances[level - 1];
  }
  void Explain(double usage, double chance);
  void MoveThresholds(double elapsedS, bool falseAlarm);

  PressurePolicy policy_;
  std::array<double, kLevels> thresholds_;
  PressureLevel level_ = PressureLevel::kNormal;
  PressureLevel due_ = PressureLevel::kNormal;
  LevelReason reason_ = LevelReason::kNone;
  double reasonValue_ = 0;
  double reasonThreshold_ = 0;
  std::array<int, kLevels> inARow_{};
  std::array<double, kLevels> leftS_{};
  double calmSinceS_ = 0;
  double lastS_ = 0;
  double highestSinceAlarm_ = 0;
  double moved_ = 0;
  bool begun_ = false;
  bool calm_ = false;
};

}  // namespace rmem
