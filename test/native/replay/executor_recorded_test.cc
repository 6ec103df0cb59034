#include <gtest/gtest.h>

#include "journal_route.h"
#include "played_round.h"
#include "replay/routes.h"

namespace rmem {
namespace {

class RecordedOrderTest : public testing::Test {
 protected:
  RecordedOrderTest() { Journal::Get().Clear(); }
  Journal& journal_ = Journal::Get();
};

TEST_F(RecordedOrderTest, OneStreamRunsOnTheMainThread) {
  PlanBuilder plan;
  plan.Alloc(0, 64).AllocZeroed(1, 24).AllocAligned(2, 100, 8).Realloc(0, 64, 128).Free(1, 24);
  plan.Free(2, 100, 0, 8).Free(0, 128);
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Play();
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(journal_.Texts(),
            (std::vector<std::string>{"alloc 64", "alloc 24 zeroed", "alloc 100 aligned 256",
                                      "realloc 64 to 128", "free 24", "free 100 aligned 256", "free 128"}));
  for (const JournalEntry& entry : journal_.entries) EXPECT_EQ(entry.thread, std::this_thread::get_id());
  EXPECT_EQ(journal_.entries[1].block, journal_.entries[4].block);
  EXPECT_EQ(PlayedRound::Number(round.Only("result"), "calls"), 7);
}

TEST_F(RecordedOrderTest, ManyStreamsTakeTurnsInTheTotalOrder) {
  PlanBuilder plan(3);
  std::vector<std::string> expected;
  for (std::uint32_t i = 0; i < 300; ++i) {
    plan.On(i * i % 3).Alloc(i, i + 1);
    expected.push_back("alloc " + std::to_string(i + 1));
  }
  for (std::uint32_t i = 0; i < 300; ++i) {
    plan.On(i % 2).Free(i, i + 1);
    expected.push_back("free " + std::to_string(i + 1));
  }
  for (const ReplayMode mode :
       {ReplayMode::kTimed, ReplayMode::kCheck, ReplayMode::kMemory, ReplayMode::kLatency}) {
    journal_.Clear();
    const PlayedRound round = RoundPlayer(plan).On<JournalRoute>().In(mode, ReplayOrder::kRecorded).Play();
    EXPECT_EQ(round.exitCode, 0);
    EXPECT_EQ(journal_.Texts(), expected);
    EXPECT_EQ(journal_.entries[0].thread, journal_.entries[3].thread);
    EXPECT_NE(journal_.entries[0].thread, journal_.entries[1].thread);
    EXPECT_NE(journal_.entries[0].thread, std::this_thread::get_id());
    EXPECT_EQ(journal_.entries[7].block, journal_.entries[307].block);
  }
}

/** Writes itself down when its thread is gone. */
struct Farewell {
  ~Farewell() {
    if (said) Journal::Get().Add("thread gone");
  }
  bool said = false;
};
thread_local Farewell farewell;

TEST_F(RecordedOrderTest, AThreadIsGoneBeforeAnythingElseHappensAfterItsEnd) {
  PlanBuilder plan(2);
  plan.On(0).Alloc(0, 1).On(1).Alloc(1, 2).ThreadEnd();
  plan.On(0).Alloc(2, 3);
  // The same stream goes on later: on a new thread.
  plan.On(1).Free(1, 2).On(0).Free(0, 1).Free(2, 3);
  journal_.onEntry = [](const std::string& what) {
    if (what == "alloc 2") farewell.said = true;
  };
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kMemory, ReplayOrder::kRecorded).Play();
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(journal_.Texts(), (std::vector<std::string>{"alloc 1", "alloc 2", "thread gone", "alloc 3",
                                                        "free 2", "free 1", "free 3"}));
  EXPECT_EQ(journal_.entries[0].thread, journal_.entries[3].thread);
}

TEST_F(RecordedOrderTest, ThreadsMayEndInTheMiddleOfARunAndAtTheLastInstruction) {
  PlanBuilder plan(2);
  plan.On(1).Alloc(0, 1).ThreadEnd().Alloc(1, 2).ThreadEnd();
  plan.On(0).Free(0, 1).Free(1, 2).ThreadEnd();
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kCheck, ReplayOrder::kRecorded).Warm(3).Play();
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(journal_.entries.size(), 4u * 4);
  EXPECT_EQ(round.Named("pass").size(), 4u);
}

TEST_F(RecordedOrderTest, TimedThreadsLiveThroughAllPasses) {
  PlanBuilder plan(2);
  plan.On(0).Alloc(0, 1).On(1).Alloc(1, 2).ThreadEnd().On(0).Free(0, 1).On(1).Free(1, 2);
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Warm(1).Play();
  EXPECT_EQ(round.exitCode, 0);
  ASSERT_EQ(journal_.entries.size(), 8u);
  for (const int i : {3, 5, 7}) EXPECT_EQ(journal_.entries[1].thread, journal_.entries[i].thread);
}

TEST_F(RecordedOrderTest, WaitsAndWindowsDoNothing) {
  PlanBuilder plan(2);
  plan.On(0).Window(0).Alloc(0, 1).On(1).Window(0).WaitFor(0).Free(0, 1);
  plan.On(0).Window(1).Alloc(0, 2).Free(0, 2);
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Play();
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(journal_.Texts(), (std::vector<std::string>{"alloc 1", "free 1", "alloc 2", "free 2"}));
}

TEST_F(RecordedOrderTest, LeftoversAreFreedBetweenPasses) {
  PlanBuilder plan;
  plan.Section(kOpening).Alloc(0, 10).Section(kMeasured).Alloc(1, 20).Free(0, 10).Section(kClosing).Alloc(0,
                                                                                                          30);
  plan.Leftover(0, 30).Leftover(1, 20);
  const PlayedRound round =
      RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree).Warm(1).Play();
  EXPECT_EQ(round.exitCode, 0);
  const std::vector<std::string> pass = {"alloc 10", "alloc 20", "free 10", "alloc 30", "free 30", "free 20"};
  std::vector<std::string> twice = pass;
  twice.insert(twice.end(), pass.begin(), pass.end());
  EXPECT_EQ(journal_.Texts(), twice);
  EXPECT_EQ(round.Named("pass")[0].find("\"cold\":true") == std::string::npos, false);
  EXPECT_EQ(round.Named("pass")[1].find("\"cold\":false") == std::string::npos, false);
}

TEST_F(RecordedOrderTest, OnlyTheMeasuredSectionIsTimed) {
  PlanBuilder plan(2);
  plan.Section(kOpening)
      .On(0)
      .Alloc(0, 10)
      .Section(kMeasured)
      .On(1)
      .Alloc(1, 20)
      .Section(kClosing)
      .On(0)
      .Free(0, 10);
  plan.On(1).Free(1, 20);
  journal_.onEntry = [](const std::string& what) {
    if (what == "alloc 10" || what == "free 20") usleep(200'000);
    if (what == "alloc 20") usleep(20'000);
  };
  for (const ReplayOrder order : {ReplayOrder::kRecorded, ReplayOrder::kFree}) {
    const PlayedRound round = RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, order).Play();
    EXPECT_GE(PlayedRound::Number(round.Only("pass"), "wallNs"), 20e6);
    EXPECT_LT(PlayedRound::Number(round.Only("pass"), "wallNs"), 200e6);
  }
}

TEST_F(RecordedOrderTest, SizesOverFourGigabytesComeFromTheWideTable) {
  // The empty route: nobody has to have that much.
  constexpr std::uint64_t kHuge = std::uint64_t{5} << 30;
  PlanBuilder plan;
  plan.Wide(Op::kWideAlloc, 0, {kHuge, 0, 0, 0}).Wide(Op::kWideRealloc, 0, {kHuge * 2, kHuge, 0, 0});
  plan.Wide(Op::kWideFree, 0, {kHuge * 2, 0, 0, 0});
  const PlayedRound round =
      RoundPlayer(plan).On<NoneRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Play();
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(PlayedRound::Number(round.Only("pass"), "replayedPeakBytes"), static_cast<double>(kHuge * 2));
}

TEST_F(RecordedOrderTest, AnEmptyPlanIsPlayed) {
  for (const std::uint32_t streams : {0u, 1u, 3u}) {
    PlanBuilder plan(streams);
    for (const ReplayOrder order : {ReplayOrder::kRecorded, ReplayOrder::kFree}) {
      const PlayedRound round =
          RoundPlayer(plan).On<JournalRoute>().In(ReplayMode::kTimed, order).Warm(1).Play();
      EXPECT_EQ(round.exitCode, 0);
      EXPECT_EQ(round.Named("pass").size(), 2u);
    }
  }
}

}  // namespace
}  // namespace rmem
