#include <gtest/gtest.h>

#include <algorithm>

#include "played_round.h"
#include "replay/routes.h"

namespace rmem {
namespace {

std::vector<double> Column(const PlayedRound& round, const std::string& key) {
  std::vector<double> values;
  for (const std::string& sample : round.Named("sample")) values.push_back(*PlayedRound::Number(sample, key));
  return values;
}

template <class Route>
PlayedRound Measure(PlanBuilder& plan) {
  return RoundPlayer(plan).On<Route>().In(ReplayMode::kMemory, ReplayOrder::kRecorded).Play();
}

/** Up to `blocks` alive, then down again, on `streams` threads. */
PlanBuilder Mountain(std::uint32_t blocks, std::uint32_t size, std::uint32_t streams) {
  PlanBuilder plan(streams);
  for (std::uint32_t i = 0; i < blocks; ++i) plan.On(i / 100 % streams).Alloc(i, size);
  for (std::uint32_t i = 0; i < blocks; ++i) plan.On(i / 70 % streams).Free(i, size);
  return plan;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kShadowed = true;  // a sanitizer's own memory follows ours
#else
constexpr bool kShadowed = false;
#endif

TEST(MemoryRoundTest, TheEmptyRouteStaysFlat) {
  if (kShadowed) GTEST_SKIP() << "a sanitizer's shadow of the slots is anonymous memory";
  for (const std::uint32_t streams : {1u, 20u}) {
    PlanBuilder plan = Mountain(100'000, 512, streams);
    const PlayedRound round = Measure<NoneRoute>(plan);
    ASSERT_EQ(round.exitCode, 0);
    const std::vector<double> bytes = Column(round, "bytes");
    const auto [least, most] = std::minmax_element(bytes.begin(), bytes.end());
    EXPECT_LT(*most - *least, 300e3) << streams << " streams";
  }
}

TEST(MemoryRoundTest, AnAllocatorIsSeenGrowing) {
  PlanBuilder plan = Mountain(10'000, 4096, 1);
  const PlayedRound none = Measure<NoneRoute>(plan);
  const PlayedRound malloc = Measure<MallocRoute>(plan);
  const std::vector<double> without = Column(none, "bytes");
  const std::vector<double> with = Column(malloc, "bytes");
  ASSERT_EQ(without.size(), with.size());
  double peak = 0;
  for (std::size_t i = 0; i < with.size(); ++i)
    peak = std::max(peak, (with[i] - with[0]) - (without[i] - without[0]));
  // Not all of it: what earlier tests have freed may be used again.
  EXPECT_GT(peak, 10'000 * 4096 * 0.9);
  EXPECT_GT(PlayedRound::Number(malloc.Only("result"), "minorFaults"), 9'000);
  EXPECT_GE(PlayedRound::Number(malloc.Only("result"), "peakBytes"), peak);
}

TEST(MemoryRoundTest, LooksAtTheSamePlacesWhateverTheRoute) {
  PlanBuilder plan = Mountain(3'000, 100, 3);
  const PlayedRound none = Measure<NoneRoute>(plan);
  const PlayedRound malloc = Measure<MallocRoute>(plan);
  EXPECT_EQ(Column(none, "event"), Column(malloc, "event"));
  EXPECT_EQ(Column(none, "liveBytes"), Column(malloc, "liveBytes"));
}

TEST(MemoryRoundTest, LooksEvenlyAndAtEachGrowthOfThePeak) {
  // Quick growth in the first 1% of the events, then a long time of nothing much.
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < 1'000; ++i) plan.Alloc(i, 1'000);
  for (std::uint32_t i = 0; i < 50'000; ++i) plan.Alloc(1'000, 1).Free(1'000, 1);
  for (std::uint32_t i = 0; i < 1'000; ++i) plan.Leftover(i, 1'000);
  const PlayedRound round = Measure<NoneRoute>(plan);
  const std::vector<double> events = Column(round, "event");
  const std::vector<double> live = Column(round, "liveBytes");
  EXPECT_EQ(events.front(), 0);
  EXPECT_EQ(events.back(), 101'000);
  EXPECT_GE(events.size(), 1'000u);
  EXPECT_LE(events.size(), 1'204u);
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_GT(events[i], events[i - 1]);
    EXPECT_LE(events[i] - events[i - 1], 102);
    EXPECT_LE(live[i] - live[i - 1], 6'000);  // 0.5 % of the peak, up to the next block
  }
  EXPECT_EQ(*std::max_element(live.begin(), live.end()), 1'000'001);
}

TEST(MemoryRoundTest, TellsTheEndAndTheMemoryAfterIdling) {
  PlanBuilder plan = Mountain(1'000, 100, 1);
  RoundPlayer player(plan);
  player.On<MallocRoute>().In(ReplayMode::kMemory, ReplayOrder::kRecorded);
  EXPECT_EQ(PlayedRound::Number(player.Play().Only("result"), "idleBytes"), std::nullopt);
  player.options.idleMs = 150;
  const std::uint64_t before = MonotonicNs();
  const std::string result = player.Play().Only("result");
  EXPECT_GE(MonotonicNs() - before, 150'000'000u);
  EXPECT_GT(PlayedRound::Number(result, "idleBytes"), 0);
  EXPECT_GT(PlayedRound::Number(result, "endBytes"), 0);
  EXPECT_NE(result.find("\"memorySource\":\""), std::string::npos);
}

}  // namespace
}  // namespace rmem
