#include <gtest/gtest.h>

#include "journal_route.h"
#include "played_round.h"

namespace rmem {
namespace {

/** A transaction with a savepoint that is handed over, an explicit free, implied frees, and one left open. */
PlanBuilder Transactions() {
  PlanBuilder plan;
  plan.Begin(0, 0, 3).Alloc(0, 10, 1).Alloc(1, 11);  // 11 outlives
  plan.Begin(1, 1, 4).Alloc(2, 12, 2).Alloc(3, 13, 2).Free(3, 13, 2).Commit(1, /*inherit=*/true);
  plan.Realloc(2, 12, 22, 1).FreeImplied(2, 22, 1).FreeImplied(0, 10, 1).Commit(0);
  plan.Begin(1).Alloc(0, 14, 2).FreeImplied(0, 14, 2).Abort(1);
  plan.Begin(0).Begin(1, 1).Alloc(0, 15, 2).Leftover(0, 15, 2).Leftover(1, 11).OpenScope(1).OpenScope(0);
  return plan;
}

std::vector<std::string> Played(PlanBuilder plan, const RouteTable* route, ReplayMode mode,
                                std::uint32_t warm) {
  Journal::Get().Clear();
  RoundPlayer player(plan);
  player.options.round.route = route;
  const PlayedRound round = player.In(mode, ReplayOrder::kRecorded).Warm(warm).Play();
  EXPECT_EQ(round.exitCode, 0) << round.frames.back();
  return Journal::Get().Texts();
}

TEST(ArenaRouteTest, EligibleBlocksGoToTheirTransaction) {
  const std::vector<std::string> expected = {
      "begin type 3", "alloc 10 in 1", "alloc 11", "begin type 4 in 1", "alloc 12 in 2", "alloc 13 in 2",
      "free 13 in 2", "hand over in 2", "realloc 12 to 22 in 1", "commit in 1", "begin type 0",
      "alloc 14 in 3", "abort in 3", "begin type 0", "begin type 0 in 4", "alloc 15 in 5",
      // What is left: one by one what no arena holds, then the open ones, innermost first.
      "free 11", "abort in 5", "abort in 4"};
  for (const ReplayMode mode : {ReplayMode::kTimed, ReplayMode::kLatency, ReplayMode::kMemory}) {
    EXPECT_EQ(Played(Transactions(), &RouteTableOf<JournalArenaRoute>::kTable, mode, 0), expected);
  }
}

TEST(ArenaRouteTest, CheckRoundLooksAtBlocksBeforeTheirArenaEnds) {
  EXPECT_EQ(Played(Transactions(), &RouteTableOf<JournalArenaRoute>::kTable, ReplayMode::kCheck, 1).size(),
            19u * 2);
}

TEST(ArenaRouteTest, WithoutArenasBlocksAreFreedOneByOneAtTheEnd) {
  const std::vector<std::string> expected = {
      "alloc 10", "alloc 11", "alloc 12", "alloc 13", "free 13", "realloc 12 to 22", "free 22",
      "free 10",  "alloc 14", "free 14",  "alloc 15", "free 15", "free 11"};
  for (const ReplayMode mode :
       {ReplayMode::kTimed, ReplayMode::kLatency, ReplayMode::kMemory, ReplayMode::kCheck}) {
    EXPECT_EQ(Played(Transactions(), &RouteTableOf<JournalRoute>::kTable, mode, 0), expected);
  }
}

TEST(ArenaRouteTest, ScopesPastSixteenBitsComeFromTheWideTable) {
  PlanBuilder plan;
  plan.Begin(0).Wide(Op::kWideAlloc, 0, {100, 0, 1, 0}).Wide(Op::kWideRealloc, 0, {200, 100, 1, 0});
  plan.Wide(Op::kWideAlloc, 1, {7, 0, 1, 0}).Wide(Op::kWideFree, 1, {7, 0, 1, 0});
  plan.Wide(Op::kWideFreeImplied, 0, {200, 0, 1, 0}).Commit(0);
  EXPECT_EQ(Played(plan, &RouteTableOf<JournalArenaRoute>::kTable, ReplayMode::kTimed, 0),
            (std::vector<std::string>{"begin type 0", "alloc 100 in 1", "realloc 100 to 200 in 1",
                                      "alloc 7 in 1", "free 7 in 1", "commit in 1"}));
  EXPECT_EQ(Played(plan, &RouteTableOf<JournalRoute>::kTable, ReplayMode::kTimed, 0),
            (std::vector<std::string>{"alloc 100", "realloc 100 to 200", "alloc 7", "free 7", "free 200"}));
}

}  // namespace
}  // namespace rmem
