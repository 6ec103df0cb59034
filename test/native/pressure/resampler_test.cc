#include "pressure/resampler.h"

#include <gtest/gtest.h>

#include <vector>

namespace rmem {
namespace {

struct Ticked {
  double value;
  double highest;
};

/** A grid, and what came of it. */
class Grid {
 public:
  Resampler::Outcome At(double timeS, double used) {
    return resampler_.Observe({timeS, used}, [this](double value, double highest) {
      ticks.push_back({value, highest});
    });
  }

  std::vector<Ticked> ticks;

 private:
  Resampler resampler_;
};

TEST(Resampler, HighestIsOfWhatLiesBeforeATick) {
  Grid grid;
  grid.At(0, 10);
  grid.At(2, 50);
  grid.At(4, 20);
  // The tick is at 5; what comes behind it is none of its business.
  grid.At(9, 120);
  ASSERT_EQ(grid.ticks.size(), 2U);
  EXPECT_DOUBLE_EQ(grid.ticks[1].value, 40);
  EXPECT_DOUBLE_EQ(grid.ticks[1].highest, 50);
  grid.At(11, 100);
  ASSERT_EQ(grid.ticks.size(), 3U);
  EXPECT_DOUBLE_EQ(grid.ticks[2].value, 110);
  EXPECT_DOUBLE_EQ(grid.ticks[2].highest, 120);
}

TEST(Resampler, OfManyTicksBetweenTwoSamplesEachHasItsOwnHighest) {
  Grid grid;
  for (int second = 0; second <= 10; ++second) grid.At(second, 100);
  grid.ticks.clear();
  grid.At(30, 500);
  ASSERT_EQ(grid.ticks.size(), 4U);
  for (const Ticked& tick : grid.ticks) EXPECT_DOUBLE_EQ(tick.highest, tick.value);
}

TEST(Resampler, FollowsASourceThatBecomesSlower) {
  Grid grid;
  double timeS = 0;
  for (int at = 0; at < 100; ++at) grid.At(timeS += 1, 100);
  EXPECT_EQ(grid.At(timeS += 60, 100), Resampler::Outcome::kGap);
  EXPECT_EQ(grid.At(timeS += 60, 100), Resampler::Outcome::kGrid);
  for (int at = 0; at < 100; ++at) EXPECT_EQ(grid.At(timeS += 60, 100), Resampler::Outcome::kNone);
}

TEST(Resampler, OneGapChangesNoGrid) {
  Grid grid;
  double timeS = 0;
  for (int at = 0; at < 100; ++at) grid.At(timeS += 1, 100);
  EXPECT_EQ(grid.At(timeS += 60, 100), Resampler::Outcome::kGap);
  for (int at = 0; at < 100; ++at) EXPECT_EQ(grid.At(timeS += 1, 100), Resampler::Outcome::kNone);
}

TEST(Resampler, TimesThatSecondsDoNotChangeAreSurvived) {
  Grid grid;
  for (int second = 0; second < 20; ++second) grid.At(second, 100);
  grid.At(1e17, 100);
  for (int at = 1; at < 20; ++at) grid.At(1e17 + 16 * at, 100);
  EXPECT_GE(grid.ticks.size(), 1U);
}

}  // namespace
}  // namespace rmem
