#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace rmem {
namespace {

TEST(HistogramTest, IsEmptyAtFirst) {
  Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
}

TEST(HistogramTest, KeepsSmallValuesExactly) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 128; ++value) histogram.Record(value);
  for (std::uint64_t value = 0; value < 128; ++value) {
    EXPECT_EQ(histogram.Quantile(static_cast<double>(value + 1) / 128), static_cast<double>(value));
  }
}

TEST(HistogramTest, IsWithinOnePercentOverTheWholeRange) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 63); value += value / 8 + 1) {
    Histogram histogram;
    histogram.Record(value);
    histogram.Record(std::numeric_limits<std::uint64_t>::max());
    EXPECT_NEAR(histogram.Quantile(0.5), static_cast<double>(value), static_cast<double>(value) * 0.01)
        << value;
  }
}

TEST(HistogramTest, QuantilesAgreeWithSortedValues) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> distribution(4, 2);
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(distribution(random)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const double exact = static_cast<double>(values[static_cast<std::size_t>(share * 100'000) - 1]);
    EXPECT_NEAR(histogram.Quantile(share), exact, exact * 0.01 + 0.5) << share;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_LE(histogram.Quantile(1), static_cast<double>(values.back()));
}

TEST(HistogramTest, MergesToWhatOneWouldHold) {
  Histogram low, high, both;
  for (std::uint64_t value = 1; value < 1000; ++value) {
    low.Record(value);
    high.Record(value * 1000);
    both.Record(value);
    both.Record(value * 1000);
  }
  low.Merge(high);
  EXPECT_EQ(low.count(), both.count());
  EXPECT_EQ(low.max(), both.max());
  for (const double share : {0.1, 0.5, 0.75, 0.99}) EXPECT_EQ(low.Quantile(share), both.Quantile(share));
}

TEST(HistogramTest, ZeroedMemoryIsAnEmptyOne) {
  alignas(Histogram) std::byte bytes[sizeof(Histogram)];
  std::memset(bytes, 0, sizeof(bytes));
  Histogram* histogram = reinterpret_cast<Histogram*>(bytes);
  histogram->Record(5);
  EXPECT_EQ(histogram->count(), 1u);
  EXPECT_EQ(histogram->Quantile(0.5), 5);
}

}  // namespace
}  // namespace rmem
