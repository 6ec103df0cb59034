#include "base/bits.h"

#include <gtest/gtest.h>

#include <set>

namespace rmem {
namespace {

TEST(BitsTest, KnowsPowersOfTwo) {
  EXPECT_FALSE(IsPowerOfTwo(0u));
  EXPECT_TRUE(IsPowerOfTwo(1u));
  EXPECT_TRUE(IsPowerOfTwo(std::uint64_t{1} << 63));
  EXPECT_FALSE(IsPowerOfTwo(6u));
}

TEST(BitsTest, Aligns) {
  EXPECT_EQ(AlignUp(0u, 16u), 0u);
  EXPECT_EQ(AlignUp(1u, 16u), 16u);
  EXPECT_EQ(AlignUp(16u, 16u), 16u);
  EXPECT_EQ(AlignDown(31u, 16u), 16u);
  EXPECT_EQ(AlignUp(~std::uint64_t{0}, std::uint64_t{4096}), 0u);
}

TEST(BitsTest, RoundsLogarithmsDownAndUp) {
  EXPECT_EQ(Log2Floor(1u), 0);
  EXPECT_EQ(Log2Floor(7u), 2);
  EXPECT_EQ(Log2Ceil(1u), 0);
  EXPECT_EQ(Log2Ceil(7u), 3);
  EXPECT_EQ(Log2Ceil(8u), 3);
  EXPECT_EQ(Log2Ceil((std::uint64_t{1} << 40) + 1), 41);
}

TEST(BitsTest, MixesNeighboursApart) {
  std::set<std::uint64_t> highBytes;
  for (std::uint64_t i = 0; i < 1000; ++i) highBytes.insert(MixBits(i) >> 56);
  EXPECT_GT(highBytes.size(), 200u);
}

}  // namespace
}  // namespace rmem
