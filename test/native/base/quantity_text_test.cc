#include "base/quantity_text.h"

#include <gtest/gtest.h>

namespace rmem {
namespace {

TEST(ParseBytes, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(ParseBytes("4096"), 4096u);
  EXPECT_EQ(ParseBytes("64KiB"), 65536u);
  EXPECT_EQ(ParseBytes(" 64 kib "), 65536u);
  EXPECT_EQ(ParseBytes("64K"), 65536u);
  EXPECT_EQ(ParseBytes("64kB"), 64000u);
  EXPECT_EQ(ParseBytes("1.5MiB"), 1572864u);
  EXPECT_EQ(ParseBytes("0.5"), 1u);  // rounded as Math.round does
  EXPECT_EQ(ParseBytes("2 TB"), 2'000'000'000'000u);
  EXPECT_EQ(ParseBytes("0"), 0u);
  EXPECT_EQ(ParseBytes("9007199254740991"), kMaxSizeBytes);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", " ", "KiB", "-1", "+1", "1.", ".5", "1.5.2", "64 Ki", "64 KiBs", "1e3", "0x10", "1_000",
        "9007199254740992", "8193 TiB", "99999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(ParseBytes(text), std::nullopt) << text;
  }
}

TEST(ParseDurationNs, ReadsTimesWithTheirUnit) {
  EXPECT_EQ(ParseDurationNs("30s"), 30'000'000'000u);
  EXPECT_EQ(ParseDurationNs("1.5 h"), 5'400'000'000'000u);
  EXPECT_EQ(ParseDurationNs("250us"), 250'000u);
  EXPECT_EQ(ParseDurationNs("250µs"), 250'000u);
  EXPECT_EQ(ParseDurationNs("250μs"), 250'000u);
  EXPECT_EQ(ParseDurationNs("2M"), 120'000'000'000u);
  EXPECT_EQ(ParseDurationNs("1d"), 86'400'000'000'000u);
  for (const char* text : {"", "10", "s", "-1s", "10 sec", "1000000d", "99999999999999999999s"}) {
    EXPECT_EQ(ParseDurationNs(text), std::nullopt) << text;
  }
}

TEST(ExactQuantities, AreReadAsTheSameAgain) {
  EXPECT_EQ(ExactBytes(0).view(), "0");
  EXPECT_EQ(ExactBytes(8256).view(), "8256");
  EXPECT_EQ(ExactBytes(1536).view(), "1536");
  EXPECT_EQ(ExactBytes(std::uint64_t{8} << 20).view(), "8 MiB");
  EXPECT_EQ(ExactMs(10'000).view(), "10s");
  EXPECT_EQ(ExactMs(1500).view(), "1500ms");
  EXPECT_EQ(ExactMs(0).view(), "0s");
  for (std::uint64_t value = 1; value < kMaxSizeBytes / 3; value = value * 3 + value % 7) {
    for (const std::uint64_t each : {value, value & ~std::uint64_t{1023}, value & ~std::uint64_t{0xfffff}}) {
      EXPECT_EQ(ParseBytes(ExactBytes(each).view()), each);
    }
    EXPECT_EQ(ParseDurationNs(ExactMs(value % 10'000'000).view()), value % 10'000'000 * 1'000'000);
  }
}

TEST(FixedText, CutsWhatDoesNotFitAndTells) {
  FixedText<8> text;
  EXPECT_EQ(text.Set("seven77").view(), "seven77");
  EXPECT_FALSE(text.cut());
  EXPECT_EQ(text.Add(8).view(), "seven77");
  EXPECT_TRUE(text.cut());
  EXPECT_EQ(text.Set(-12, ',', "x").view(), "-12,x");
  EXPECT_FALSE(text.cut());
}

TEST(FixedText, QuotesWithinALine) {
  FixedText<256> text;
  EXPECT_EQ(text.Set(Quoted{"a\nb\x1b[0m"}).view(), "\"a?b?[0m\"");
  // Clipped between characters, not within one.
  const std::string many = std::string(47, 'x') + "éé";
  EXPECT_EQ(text.Set(Quoted{many}).view(), "\"" + std::string(47, 'x') + "…\"");
}

}  // namespace
}  // namespace rmem
