#include "pressure/tick_history.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace rmem {
namespace {

TEST(TickHistory, FitsALine) {
  TickHistory history;
  for (int tick = 0; tick < 300; ++tick) {
    const double value = 1e12 + 3e6 * tick;
    history.Add(value, value + 5);
    const TickHistory::Line line = history.Fit(61);
    const double count = std::min(61, tick + 1);
    EXPECT_NEAR(line.slope, tick > 0 ? 3e6 : 0, 1);
    EXPECT_NEAR(line.mean, value - 3e6 * (count - 1) / 2, 1);
    // Two ticks say nothing of how straight a line is.
    if (tick < 2)
      EXPECT_TRUE(std::isinf(line.slopeError));
    else
      EXPECT_NEAR(line.slopeError, 0, 1);
  }
  EXPECT_EQ(history.HighestOf(3), 1e12 + 3e6 * 299 + 5);
}

TEST(TickHistory, FitsNoiseAsTheTextbookDoes) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 1e7);
  TickHistory history;
  std::vector<double> values;
  for (int tick = 0; tick < 200; ++tick) {
    values.push_back(4e9 + 1e5 * tick + noise(random));
    history.Add(values.back(), values.back());
  }
  for (const std::size_t n : {3U, 6U, 13U, 61U, 128U}) {
    double meanX = 0;
    double meanY = 0;
    for (std::size_t at = 0; at < n; ++at) {
      meanX += static_cast<double>(at) / static_cast<double>(n);
      meanY += values[values.size() - n + at] / static_cast<double>(n);
    }
    double xy = 0;
    double xx = 0;
    double residual = 0;
    for (std::size_t at = 0; at < n; ++at) {
      const double x = static_cast<double>(at) - meanX;
      xy += x * (values[values.size() - n + at] - meanY);
      xx += x * x;
    }
    for (std::size_t at = 0; at < n; ++at) {
      const double x = static_cast<double>(at) - meanX;
      residual += std::pow(values[values.size() - n + at] - meanY - xy / xx * x, 2);
    }
    const TickHistory::Line line = history.Fit(n);
    EXPECT_NEAR(line.slope, xy / xx, 1e-6 * std::fabs(xy / xx) + 1e-3);
    EXPECT_NEAR(line.mean, meanY, 1);
    const double error = std::sqrt(residual / (static_cast<double>(n) - 2) / xx);
    EXPECT_NEAR(line.slopeError, error, 1e-6 * error);
  }
}

TEST(TickHistory, KnowsNoMoreThanItSaw) {
  TickHistory history;
  EXPECT_EQ(history.Fit(10).slope, 0);
  history.Add(5, 7);
  EXPECT_EQ(history.Fit(10).mean, 5);
  EXPECT_EQ(history.Fit(10).slope, 0);
  EXPECT_EQ(history.HighestOf(10), 7);
  history.Clear();
  EXPECT_EQ(history.size(), 0U);
  history.Add(1, 1);
  EXPECT_EQ(history.HighestOf(10), 1);
}

}  // namespace
}  // namespace rmem
