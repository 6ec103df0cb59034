#include "pressure/forecast_cost.h"

#include <gtest/gtest.h>

namespace rmem {
namespace {

TEST(ForecastCost, IsCpuTimeOfEachSample) {
  for (const std::uint64_t samples : {1u, 1000u}) {
    EXPECT_GT(ForecastCostNs({}, 1, samples, 1), 0) << samples;
  }
}

/** A sample in a hundred ticks has as many to work off, one in fifty samples a tick has none most of the
 * time. */
TEST(ForecastCost, FollowsTheTicksThatASampleBrings) {
  MonitorOptions options;
  const double rare = ForecastCostNs(options, 500, 2000, 1);
  const double dense = ForecastCostNs(options, 0.1, 2000, 1);
  EXPECT_GT(rare, 3 * dense);
}

}  // namespace
}  // namespace rmem
