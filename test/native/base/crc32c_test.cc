#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace rmem {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Crc32c, HasTheValuesOfTheStandard) {
  EXPECT_EQ(Crc32c({}), 0u);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
  // RFC 3720, B.4.
  std::vector<std::byte> bytes(32);
  EXPECT_EQ(Crc32c(bytes), 0x8a9136aau);
  std::memset(bytes.data(), 0xff, bytes.size());
  EXPECT_EQ(Crc32c(bytes), 0x62a8ab43u);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(Crc32c(bytes), 0x46dd794eu);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheCpusHelp) {
  Random random(7);
  std::vector<std::byte> bytes(300);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t length = 0; from + length <= bytes.size(); ++length) {
      const auto part = std::span<const std::byte>(bytes).subspan(from, length);
      ASSERT_EQ(Crc32c(part), Crc32cPortable(part)) << from << ' ' << length;
    }
  }
}

TEST(Crc32c, GoesOnFromWhatCameBefore) {
  const auto text = AsBytes("all of this in two parts");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Crc32c(text.subspan(cut), Crc32c(text.first(cut))), Crc32c(text));
    EXPECT_EQ(Crc32cPortable(text.subspan(cut), Crc32cPortable(text.first(cut))), Crc32c(text));
  }
}

}  // namespace
}  // namespace rmem
