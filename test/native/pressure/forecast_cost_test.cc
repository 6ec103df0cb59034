#include "pressure/forecast_cost.h"

#include <gtest/gtest.h>

namespace rmem {
namespace {

TEST(ForecastCost, IsCpuTimeOfEachSample) {
  for (const std::uint64_t samples : {1u, 1000u}) {
    EXPECT_GT(ForecastCostNs({}, 1, samples, 1), 0) << samples;
  }
}

TEST(ForecastCost, IsThatOfWhateverModelAndStep) {
  MonitorOptions options;
  for (const double stepS : {0.001, 1.0, 5.0, 500.0, 1e9}) {
    const double ns = ForecastCostNs(options, stepS, 200, 1);
    EXPECT_GT(ns, 0) << stepS;
    EXPECT_LT(ns, 1e9) << stepS;
  }
}

}  // namespace
}  // namespace rmem
