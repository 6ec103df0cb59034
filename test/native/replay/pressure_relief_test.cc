#include "replay/pressure_relief.h"

#include <gtest/gtest.h>

#include "journal_route.h"
#include "played_round.h"
#include "replay/routes.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kBlock = 64 * 1024;

/** A block a second, `blocks` of them, all kept; then the same, each freed at once. */
PlanBuilder Growing(std::uint32_t blocks) {
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    plan.times.push_back({plan.events() + 1, (100 + i) * kSecond, (100 + i) * kSecond});
    plan.Alloc(i, kBlock);
  }
  for (std::uint32_t i = 0; i < blocks; ++i) plan.Leftover(i, kBlock);
  return plan;
}

PlayedRound PlayTimed(PlanBuilder& plan, std::uint64_t limitBytes = 0, double bareBytes = 0) {
  RoundPlayer player(plan);
  player.On<JournalRoute>().In(ReplayMode::kMemory, ReplayOrder::kRecorded);
  player.options.times = true;
  player.options.relief = {static_cast<double>(limitBytes), bareBytes};
  Journal::Get().Clear();
  return player.Play();
}

std::vector<std::string> Reliefs() {
  std::vector<std::string> found;
  for (const std::string& what : Journal::Get().Texts()) {
    if (what == "purge" || what == "compact") found.push_back(what);
  }
  return found;
}

TEST(TimedLooks, StandBeforeTheEventsOfTheirTimes) {
  PlanBuilder plan = Growing(50);
  plan.times.push_back({plan.events() + 1, 200 * kSecond, 149 * kSecond});
  const PlayedRound round = PlayTimed(plan);
  ASSERT_EQ(round.exitCode, 0);
  std::size_t timed = 0;
  for (const std::string& sample : round.Named("sample")) {
    const auto timeNs = PlayedRound::Number(sample, "timeNs");
    if (!timeNs.has_value()) continue;
    // What was allocated by then: nothing at 100 s, a block at 101 s.
    const double blocks = std::min(50.0, *timeNs / 1e9 - 100);
    EXPECT_EQ(PlayedRound::Number(sample, "liveBytes"), blocks * kBlock) << sample;
    EXPECT_EQ(PlayedRound::Number(sample, "allocatedBytes"), blocks * kBlock);
    ++timed;
  }
  EXPECT_EQ(timed, 51u);
}

TEST(TimedLooks, DoNotChangeWhatWeighs) {
  PlanBuilder plan = Growing(3000);
  const auto weighing = [](const PlayedRound& round) {
    std::vector<double> events;
    for (const std::string& sample : round.Named("sample")) {
      if (sample.find("\"weighs\":false") == std::string::npos)
        events.push_back(*PlayedRound::Number(sample, "event"));
    }
    return events;
  };
  RoundPlayer player(plan);
  player.On<NoneRoute>().In(ReplayMode::kMemory, ReplayOrder::kRecorded);
  const PlayedRound without = player.Play();
  player.options.times = true;
  const PlayedRound with = player.Play();
  EXPECT_EQ(weighing(without), weighing(with));
  EXPECT_GT(with.Named("sample").size(), without.Named("sample").size());
}

TEST(TimedLooks, NeedTimes) {
  PlanBuilder plan;
  plan.Alloc(0, 10).Free(0, 10);
  try {
    PlayTimed(plan);
    ADD_FAILURE() << "a plan without times was taken";
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "no-times");
  }
}

TEST(PressureRelief, PurgesFromHighAndCompactsFromCritical) {
  // Whatever the process has counts as nothing: what is used is the blocks alone.
  PlanBuilder plan = Growing(600);
  const PlayedRound before = PlayTimed(plan);
  const double bare = *PlayedRound::Number(before.Named("sample").front(), "bytes");
  const PlayedRound round = PlayTimed(plan, std::uint64_t{700} * kBlock, bare);
  ASSERT_EQ(round.exitCode, 0);
  const std::vector<std::string> reliefs = round.Named("relief");
  ASSERT_FALSE(reliefs.empty());
  EXPECT_EQ(Reliefs().size(), reliefs.size());
  std::size_t purges = 0;
  double lastNs = 0;
  std::string level;
  for (const std::string& relief : reliefs) {
    const bool high = relief.find("\"level\":\"high\"") != std::string::npos;
    EXPECT_EQ(Reliefs()[purges++], high ? "purge" : "compact");
    const double timeNs = *PlayedRound::Number(relief, "timeNs");
    // A level that stands asks each half minute.
    if (relief.substr(relief.find("\"level\"")) == level) {
      EXPECT_GE(timeNs - lastNs, 30e9);
    }
    lastNs = timeNs;
    level = relief.substr(relief.find("\"level\""));
  }
  EXPECT_NE(round.Only("result").find("\"reliefName\":\"journal\""), std::string::npos);
}

TEST(PressureRelief, LeavesAloneWhatIsFarFromItsLimit) {
  PlanBuilder plan = Growing(100);
  const PlayedRound round = PlayTimed(plan, std::uint64_t{1} << 40);
  ASSERT_EQ(round.exitCode, 0);
  EXPECT_TRUE(round.Named("relief").empty());
  EXPECT_TRUE(Reliefs().empty());
}

TEST(PressureRelief, KnowsTheMallocOfThisProcess) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_STREQ(MallocRoute::ReliefName(), "malloc_trim");
#endif
  EXPECT_EQ(NoneRoute::ReliefName(), nullptr);
  EXPECT_STREQ(HeapRoute<Preset::kRustydb>::ReliefName(), "purge, compact");
  EXPECT_EQ(std::string(HeapRoute<Preset::kSlab>::ReliefName()).find("purge, compact"), 0u);
  MallocRelief::OfThisProcess().Relieve();
}

TEST(PressureRelief, GivesBackWhatOurHeapKept) {
  HeapRoute<Preset::kRustydb>* route = HeapRoute<Preset::kRustydb>::Create(HeapConfig());
  ASSERT_NE(route, nullptr);
  void* block = route->Allocate(8 << 20, 0, false);
  std::memset(block, 1, 8 << 20);
  route->Free(block, 8 << 20, 0);
  const auto dirty = [route] {
    std::uint64_t found = 0;
    route->VisitStats({&found, [](void* sink, const char* name, std::uint64_t value) {
                         if (std::strcmp(name, "dirtyBytes") == 0) *static_cast<std::uint64_t*>(sink) = value;
                       }});
    return found;
  };
  EXPECT_GT(dirty(), 0u);
  route->Relieve(Relief::kPurge);
  EXPECT_EQ(dirty(), 0u);
  route->Relieve(Relief::kCompact);
}

}  // namespace
}  // namespace rmem
