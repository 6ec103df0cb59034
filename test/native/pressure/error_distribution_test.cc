#include "pressure/error_distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace rmem {
namespace {

constexpr double kForever = 1e12;

TEST(ErrorDistribution, BeginsAsItsPrior) {
  ErrorDistribution distribution(kForever);
  EXPECT_NEAR(distribution.Quantile(ErrorDistribution::kFirst, 0.05), std::log(0.1), 0.1);
  EXPECT_NEAR(distribution.Quantile(ErrorDistribution::kSecond, 0.95), -std::log(0.1), 0.1);
  EXPECT_NEAR(distribution.ShareBelow(0), 0.5, 0.01);
}

TEST(ErrorDistribution, FollowsWhatIsAdded) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0.5, 2);
  ErrorDistribution distribution(kForever);
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(normal(random));
    distribution.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double level : {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99}) {
    const double exact = values[static_cast<std::size_t>(level * static_cast<double>(values.size()))];
    // As exact as its bins, which are a quarter of an octave.
    EXPECT_NEAR(distribution.Quantile(ErrorDistribution::kFirst, level), exact,
                0.02 + 0.15 * std::fabs(exact))
        << level;
    EXPECT_NEAR(distribution.ShareBelow(exact), level, 0.02) << level;
  }
}

TEST(ErrorDistribution, CursorsAgreeWhateverWasAskedBefore) {
  std::mt19937_64 random(11);
  std::cauchy_distribution<double> heavy(0, 0.3);
  std::uniform_real_distribution<double> level(0.001, 0.999);
  ErrorDistribution distribution(50);
  for (int i = 0; i < 5'000; ++i) {
    distribution.Add(heavy(random));
    const double asked = level(random);
    const double moved = distribution.Quantile(ErrorDistribution::kFirst, asked);
    ErrorDistribution fresh = distribution;
    // From the other end of the bins.
    fresh.Quantile(ErrorDistribution::kSecond, i % 2 == 0 ? 0.0001 : 0.9999);
    EXPECT_NEAR(moved, fresh.Quantile(ErrorDistribution::kSecond, asked), 1e-6 * (1 + std::fabs(moved)));
  }
}

TEST(ErrorDistribution, Forgets) {
  ErrorDistribution distribution(10);
  for (int i = 0; i < 200; ++i) distribution.Add(-3);
  for (int i = 0; i < 200; ++i) distribution.Add(3);
  EXPECT_GT(distribution.Quantile(ErrorDistribution::kFirst, 0.05), 2);
  EXPECT_LT(distribution.ShareBelow(0), 1e-4);
}

TEST(ErrorDistribution, TakesWhatLiesOutsideOfItsBins) {
  ErrorDistribution distribution(kForever);
  for (int i = 0; i < 1'000; ++i) {
    distribution.Add(1e300);
    distribution.Add(-1e300);
    distribution.Add(1e-300);
    distribution.Add(0);
    distribution.Add(-0.0);
  }
  EXPECT_EQ(distribution.Quantile(ErrorDistribution::kFirst, 0.5), 0);
  EXPECT_GT(distribution.Quantile(ErrorDistribution::kSecond, 0.99), 50);
  EXPECT_NEAR(distribution.ShareBelow(1), 0.8, 0.01);
}

}  // namespace
}  // namespace rmem
