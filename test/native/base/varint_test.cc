#include "base/varint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace rmem {
namespace {

std::vector<std::uint64_t> InterestingNumbers() {
  std::vector<std::uint64_t> numbers = {0};
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    numbers.insert(numbers.end(), {power - 1, power, power + 1});
  }
  numbers.push_back(~std::uint64_t{0});
  return numbers;
}

TEST(Varint, ComesBack) {
  for (std::uint64_t number : InterestingNumbers()) {
    std::array<std::byte, kMaxVarintBytes> bytes;
    const std::byte* end = WriteVarint(bytes.data(), number);
    std::uint64_t read = 1;
    EXPECT_EQ(ReadVarint(bytes.data(), end, &read), end);
    EXPECT_EQ(read, number);
  }
}

TEST(Varint, IsTheSameWithoutABranch) {
  for (std::uint64_t number : InterestingNumbers()) {
    std::array<std::byte, kMaxVarintBytes> bytes, wide;
    const std::ptrdiff_t length = WriteVarint(bytes.data(), number) - bytes.data();
    EXPECT_EQ(WriteVarintWide(wide.data(), number) - wide.data(), length);
    EXPECT_TRUE(std::equal(bytes.data(), bytes.data() + length, wide.data())) << number;
  }
}

TEST(Varint, ThatIsCutOffIsNone) {
  for (std::uint64_t number : InterestingNumbers()) {
    std::array<std::byte, kMaxVarintBytes> bytes;
    const std::byte* end = WriteVarint(bytes.data(), number);
    std::uint64_t read;
    EXPECT_EQ(ReadVarint(bytes.data(), end - 1, &read), nullptr);
  }
}

TEST(Varint, OfMoreThan64BitsIsNone) {
  std::array<std::byte, 12> bytes;
  bytes.fill(std::byte{0xff});
  std::uint64_t read;
  EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + bytes.size(), &read), nullptr);
  bytes[9] = std::byte{2};
  EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + bytes.size(), &read), nullptr);
  bytes[9] = std::byte{1};
  EXPECT_NE(ReadVarint(bytes.data(), bytes.data() + bytes.size(), &read), nullptr);
  EXPECT_EQ(read, ~std::uint64_t{0});
}

TEST(ZigZag, KeepsSmallNumbersSmallAndComesBack) {
  EXPECT_EQ(ZigZag(0), 0u);
  EXPECT_EQ(ZigZag(-1), 1u);
  EXPECT_EQ(ZigZag(1), 2u);
  for (std::uint64_t number : InterestingNumbers()) {
    const auto value = static_cast<std::int64_t>(number);
    EXPECT_EQ(UnZigZag(ZigZag(value)), value);
  }
}

}  // namespace
}  // namespace rmem
