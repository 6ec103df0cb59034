#include "replay/plan_times.h"

#include <gtest/gtest.h>

#include "trace/event.h"

namespace rmem {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(PlanTimes, AreAMillisecondApartWhereThatIsFew) {
  PlanTimes times;
  for (std::uint64_t event = 1; event <= 1000; ++event) times.Take(event, 500 * kMs + event * kMs / 10);
  times.Finish(1000, 600 * kMs);
  ASSERT_EQ(times.times().size(), 101u);
  EXPECT_EQ(times.times().front().event, 1u);
  EXPECT_EQ(times.times().back().event, 1001u);
  for (std::size_t i = 1; i + 1 < times.times().size(); ++i) {
    EXPECT_EQ(times.times()[i].timeNs - times.times()[i - 1].timeNs, kMs);
    EXPECT_EQ(times.times()[i].sinceNs, times.times()[i].timeNs - kMs / 10);
  }
}

TEST(PlanTimes, StayFewAndEvenHoweverLongTheTrace) {
  PlanTimes times;
  constexpr std::uint64_t kEvents = 500'000;
  for (std::uint64_t event = 1; event <= kEvents; ++event) times.Take(event, event * 100 * kMs);
  times.Finish(kEvents, kEvents * 100 * kMs);
  EXPECT_LT(times.times().size(), PlanTimes::kMost);
  EXPECT_GE(times.times().size(), PlanTimes::kMost / 4);
  std::uint64_t longest = 0, shortest = ~std::uint64_t{0};
  for (std::size_t i = 1; i + 1 < times.times().size(); ++i) {
    const std::uint64_t step = times.times()[i].timeNs - times.times()[i - 1].timeNs;
    longest = std::max(longest, step);
    shortest = std::min(shortest, step);
  }
  EXPECT_LE(longest, 2 * shortest);
}

TEST(PlanTimes, StayFewWhateverTimesThereAre) {
  PlanTimes times;
  const std::uint64_t latest = ~std::uint64_t{0} - 1;
  for (std::uint64_t event = 1; event <= 20'000; ++event)
    times.Take(event, latest - (20'000 - event) * 1000 * kMs);
  times.Finish(20'000, latest);
  EXPECT_LT(times.times().size(), PlanTimes::kMost);
}

TEST(PlanTimes, KnowSinceWhenNothingHappened) {
  PlanTimes times;
  times.Take(1, 10 * kMs);
  times.Take(2, kNoTime);
  times.Take(3, 10 * kMs + 5);
  times.Take(4, 9'000 * kMs);
  times.Take(5, 8'000 * kMs);  // out of order: time does not go back
  times.Finish(6, 9'500 * kMs);
  ASSERT_EQ(times.times().size(), 3u);
  EXPECT_EQ(times.times()[1].event, 4u);
  EXPECT_EQ(times.times()[1].sinceNs, 10 * kMs + 5);
  EXPECT_EQ(times.times()[2].event, 7u);
  EXPECT_EQ(times.times()[2].sinceNs, 9'000 * kMs);
}

TEST(PlanTimes, AreNoneOfATraceWithoutTimes) {
  PlanTimes times;
  for (std::uint64_t event = 1; event <= 10; ++event) times.Take(event, kNoTime);
  times.Finish(10, kNoTime);
  EXPECT_TRUE(times.times().empty());
}

TEST(PlanTimes, BeginBehindTheOpening) {
  PlanTimes times;
  times.Take(1, 1 * kMs);
  times.Take(2, 5 * kMs);
  times.Begin();
  times.Take(7, 9 * kMs);
  ASSERT_EQ(times.times().size(), 1u);
  EXPECT_EQ(times.times()[0].event, 7u);
  EXPECT_EQ(times.times()[0].sinceNs, 9 * kMs);
}

}  // namespace
}  // namespace rmem
