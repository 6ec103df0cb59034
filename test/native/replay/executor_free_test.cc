#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "journal_route.h"
#include "played_round.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

class FreeOrderTest : public testing::Test {
 protected:
  FreeOrderTest() { Journal::Get().Clear(); }

  PlayedRound Play(PlanBuilder& plan, std::uint32_t warm = 0, ReplayMode mode = ReplayMode::kTimed) {
    return RoundPlayer(plan).On<JournalRoute>().In(mode, ReplayOrder::kFree).Warm(warm).Play();
  }
  std::size_t PlaceOf(const std::string& what) const {
    const std::vector<std::string> texts = Journal::Get().Texts();
    return static_cast<std::size_t>(std::find(texts.begin(), texts.end(), what) - texts.begin());
  }
  Journal& journal_ = Journal::Get();
};

TEST_F(FreeOrderTest, EachStreamHasAThread) {
  PlanBuilder plan(4);
  for (std::uint32_t stream = 0; stream < 4; ++stream)
    plan.On(stream).Alloc(stream, stream + 1).Free(stream, stream + 1);
  EXPECT_EQ(Play(plan, 2).exitCode, 0);
  ASSERT_EQ(journal_.entries.size(), 8u * 3);
  std::set<std::thread::id> threads;
  for (const JournalEntry& entry : journal_.entries) threads.insert(entry.thread);
  EXPECT_EQ(threads.size(), 4u);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0u);
}

TEST_F(FreeOrderTest, AFreeWaitsForTheAllocOnAnotherThread) {
  PlanBuilder plan(2);
  plan.On(0).Alloc(0, 64).On(1).WaitFor(0).Free(0, 64);
  journal_.onEntry = [](const std::string& what) {
    if (what == "alloc 64") usleep(30'000);  // long enough for the other to fall asleep
  };
  for (const ReplayMode mode : {ReplayMode::kTimed, ReplayMode::kCheck, ReplayMode::kLatency}) {
    journal_.entries.clear();
    EXPECT_EQ(Play(plan, 3, mode).exitCode, 0);
    ASSERT_EQ(journal_.entries.size(), 8u);
    for (std::size_t i = 0; i < 8; i += 2) {
      EXPECT_EQ(journal_.entries[i].what, "alloc 64");
      EXPECT_EQ(journal_.entries[i + 1].what, "free 64");
      EXPECT_EQ(journal_.entries[i].block, journal_.entries[i + 1].block);
    }
  }
}

TEST_F(FreeOrderTest, AWindowIsEnteredOnceAllHaveLeftTheOneBeforeTheLast) {
  PlanBuilder plan(2);
  plan.On(0).Window(0).Alloc(0, 1);
  plan.On(1).Window(0).Alloc(1, 11).Window(1).Alloc(2, 12).Window(2).Alloc(3, 13);
  plan.On(0).Window(2).Alloc(4, 2);
  for (const auto& [slot, size] : {std::pair{0u, 1u}, {1u, 11u}, {2u, 12u}, {3u, 13u}, {4u, 2u}})
    plan.Leftover(slot, size);
  journal_.onEntry = [](const std::string& what) {
    if (what == "alloc 1") usleep(50'000);
  };
  EXPECT_EQ(Play(plan).exitCode, 0);
  // The other stream may run one window ahead, and no further.
  EXPECT_LT(PlaceOf("alloc 12"), PlaceOf("alloc 1"));
  EXPECT_GT(PlaceOf("alloc 13"), PlaceOf("alloc 1"));
}

TEST_F(FreeOrderTest, AStreamLeavesItsLastWindowAtTheEndOfItsSection) {
  PlanBuilder plan(2);
  plan.On(0).Window(0).Alloc(0, 1).On(1).Window(2).Alloc(1, 2);
  plan.Section(kClosing).On(0).Window(5).Free(0, 1).On(1).Window(8).Free(1, 2);
  // A section starts outside of any window.
  EXPECT_EQ(Play(plan, 1).exitCode, 0);
  EXPECT_EQ(journal_.entries.size(), 8u);
}

TEST_F(FreeOrderTest, ALongChainOfWaitsIsPassedOn) {
  constexpr std::uint32_t kStreams = 48, kLaps = 60;
  PlanBuilder plan(kStreams);
  std::vector<std::string> expected;
  for (std::uint32_t step = 0; step < kStreams * kLaps; ++step) {
    const std::uint32_t stream = step * 7 % kStreams;
    const std::uint32_t before = (step + kStreams - 1) * 7 % kStreams;
    plan.On(stream);
    if (step > 0) plan.WaitFor(before).Free(0, step);
    plan.Alloc(0, step + 1);
    if (step > 0) expected.push_back("free " + std::to_string(step));
    expected.push_back("alloc " + std::to_string(step + 1));
  }
  plan.Leftover(0, kStreams * kLaps);
  for (const ReplayMode mode : {ReplayMode::kTimed, ReplayMode::kCheck}) {
    journal_.Clear();
    EXPECT_EQ(Play(plan, 0, mode).exitCode, 0);
    journal_.entries.pop_back();  // the leftover
    EXPECT_EQ(journal_.Texts(), expected);
  }
}

TEST_F(FreeOrderTest, ThreadEndsAreIgnored) {
  PlanBuilder plan(2);
  plan.On(0).Alloc(0, 1).ThreadEnd().Free(0, 1).On(1).WaitFor(0).Alloc(0, 2).Free(0, 2).ThreadEnd();
  EXPECT_EQ(Play(plan, 2).exitCode, 0);
  EXPECT_EQ(journal_.entries.size(), 12u);
}

TEST_F(FreeOrderTest, ReplayedPeakOfOneStreamIsTheRecordedOne) {
  PlanBuilder plan;
  plan.Alloc(0, 100).Alloc(1, 200).Free(0, 100).Free(1, 200);
  EXPECT_EQ(PlayedRound::Number(Play(plan).Only("pass"), "replayedPeakBytes"), 300);
}

TEST_F(FreeOrderTest, ReplayedPeakIsTheRecordedOneWhenWindowsKeepTheOrder) {
  PlanBuilder plan(2);
  // In each window one stream alone allocates and frees again: the peak lies inside.
  for (std::uint32_t window = 0; window < 40; window += 2) {
    plan.On(window / 2 % 2)
        .Window(window)
        .Alloc(0, 100 + window)
        .Alloc(1, 50)
        .Free(0, 100 + window)
        .Free(1, 50);
  }
  EXPECT_EQ(PlayedRound::Number(Play(plan).Only("pass"), "replayedPeakBytes"), 188);
}

TEST_F(FreeOrderTest, ReplayedPeakShowsStreamsThatStrayFromTheRecordedOrder) {
  PlanBuilder plan(2);
  // Recorded: never more than 100 alive. Free: the second stream allocates its 90 while the first has not
  // freed yet.
  plan.On(0).Window(0).Alloc(0, 100).Free(0, 100);
  plan.On(1).Window(1).Alloc(1, 90).Window(2).Free(1, 90);
  plan.On(0).Window(2).Alloc(0, 1).Free(0, 1);
  ASSERT_EQ(plan.peakBytes(), 100u);
  journal_.onEntry = [](const std::string& what) {
    if (what == "alloc 100") usleep(100'000);
  };
  EXPECT_EQ(PlayedRound::Number(Play(plan).Only("pass"), "replayedPeakBytes"), 190);
}

TEST_F(FreeOrderTest, SleepsToTheTimesOfTheTrace) {
  for (const std::uint32_t streams : {1u, 2u}) {
    PlanBuilder plan(streams);
    plan.On(0).SleepUntil(150'000'000).Alloc(0, 1).SleepUntil(200'000'000).Free(0, 1);
    if (streams == 2) plan.On(1).SleepUntil(10'000'000).Alloc(1, 2).Free(1, 2);
    RoundPlayer player(plan);
    player.On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree);
    EXPECT_LT(PlayedRound::Number(player.Play().Only("pass"), "wallNs"), 150e6);
    player.options.round.paced = true;
    const double wallNs = *PlayedRound::Number(player.Play().Only("pass"), "wallNs");
    EXPECT_GE(wallNs, 200e6);
    EXPECT_LT(wallNs, 2e9);
  }
}

TEST_F(FreeOrderTest, APlanWithoutTimesCannotBePlayedAtItsOwnSpeed) {
  PlanBuilder plan;
  plan.Alloc(0, 1).Free(0, 1);
  RoundPlayer player(plan);
  player.On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree);
  player.options.round.paced = true;
  try {
    player.Play();
    FAIL();
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "no-times");
  }
}

}  // namespace
}  // namespace rmem
