#include "trace/timing_wheel.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace rmem {
namespace {

constexpr std::uint64_t kTickNs = 1024;

TEST(TimingWheel, FiresEachOnceAndAboutOnTime) {
  Random random(3);
  TimingWheel<int> wheel;
  std::map<int, std::uint64_t> due;
  std::uint64_t now = 0;
  int next = 0;
  std::size_t fired = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    // Ages from nothing to an hour, steps of time from nothing to seconds.
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t age = random.Next() >> (22 + random.Below(42));
      due[next] = now + age;
      wheel.Add(now + age, next++);
    }
    const std::uint64_t before = now;
    now += random.Next() >> (31 + random.Below(33));
    wheel.Advance(now, [&](int value) {
      ASSERT_TRUE(due.contains(value));
      ASSERT_LE(due[value], now);
      // Not later than the first look after it was due, but for the rounding to ticks.
      ASSERT_GE(due[value] + 2 * kTickNs, before);
      due.erase(value);
      ++fired;
    });
    ASSERT_EQ(wheel.size(), due.size());
  }
  for (const auto& [value, at] : due) EXPECT_GE(at + 2 * kTickNs, now);
  EXPECT_GT(fired, 10'000u);
}

TEST(TimingWheel, TakesTimesBehindItsHandAndBeyondItsEnd) {
  TimingWheel<int> wheel;
  wheel.Advance(1'000'000'000, [](int) { FAIL(); });
  wheel.Add(5, 1);
  wheel.Add(~std::uint64_t{0} >> 1, 2);
  int fired = 0;
  wheel.Advance(1'000'010'000, [&](int value) { fired += value; });
  EXPECT_EQ(fired, 1);
  wheel.Advance(std::uint64_t{1} << 62, [&](int value) { fired += value; });
  EXPECT_EQ(wheel.size(), 1u);
}

}  // namespace
}  // namespace rmem
