#include "trace/transaction_finder.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "trace/filters.h"
#include "trace/phase_boundaries.h"
#include "trace/trace_error.h"
#include "trace/trace_info.h"

namespace rmem {
namespace {

/** Builds canonical events without transactions. */
class Program {
 public:
  std::uint64_t Alloc(std::uint64_t size, std::uint32_t thread = 0) {
    Event& event = Add(EventType::kAlloc, thread);
    event.id = ++births_;
    event.size = size;
    return event.id;
  }
  void Free(std::uint64_t id, std::uint32_t thread = 0) { Add(EventType::kFree, thread).id = id; }
  std::uint64_t Realloc(std::uint64_t id, std::uint64_t size, std::uint32_t thread = 0) {
    Event& event = Add(EventType::kRealloc, thread);
    event.id = id;
    event.newId = ++births_;
    event.size = size;
    return event.newId;
  }
  /** `blocks` blocks that are all alive together, freed newest first. */
  void Transaction(int blocks, std::uint32_t thread = 0) {
    std::vector<std::uint64_t> made;
    for (int i = 0; i < blocks; ++i) made.push_back(Alloc(100, thread));
    for (; !made.empty(); made.pop_back()) Free(made.back(), thread);
  }
  Event& Add(EventType type, std::uint32_t thread) {
    Event event;
    event.type = type;
    event.thread = thread;
    event.position = events.size() + 1;
    events.push_back(event);
    return events.back();
  }

  std::vector<Event> events;

 private:
  std::uint64_t births_ = 0;
};

/** Keeps what a filter hands on. */
class Kept : public EventSink {
 public:
  void Consume(std::span<const Event> more) override {
    events.insert(events.end(), more.begin(), more.end());
  }
  void Finish() override {}
  std::vector<Event> events;
};

TransactionSearch FirstPass(const Program& program) {
  TransactionFinder finder;
  finder.Consume(program.events);
  finder.Finish();
  return finder.search();
}

TransactionSearch BothPasses(const Program& program) {
  std::vector<int> levels;
  for (const ThreadPhases& thread : FirstPass(program).threads) {
    levels.push_back(thread.chosen ? static_cast<int>(*thread.chosen) : -1);
  }
  TransactionFinder finder(levels);
  finder.Consume(program.events);
  finder.Finish();
  return finder.search();
}

TEST(PhaseSpansTest, LivesThatOverlapAreOnePhase) {
  PhaseSpans spans;
  spans.Add({2, 3, 1, 10, 2, 2});
  spans.Add({5, 6, 1, 10, 3, 3});
  spans.Add({1, 7, 1, 10, 1, 3});  // around both
  spans.Add({8, 9, 1, 10, 4, 4});
  std::vector<PhaseSpan> retired;
  spans.Retire(9, [&](const PhaseSpan& span) { retired.push_back(span); });
  ASSERT_EQ(retired.size(), 1u);  // the other ends at 9, and may still be joined
  EXPECT_EQ(retired[0].first, 1u);
  EXPECT_EQ(retired[0].last, 7u);
  EXPECT_EQ(retired[0].blocks, 3u);
  EXPECT_EQ(retired[0].bytes, 30u);
  EXPECT_EQ(retired[0].births(), 3u);
  spans.Add({4, 10, 1, 10, 2, 4});  // what is retired stays so
  spans.Retire(100, [&](const PhaseSpan& span) { retired.push_back(span); });
  ASSERT_EQ(retired.size(), 2u);
  EXPECT_EQ(retired[1].blocks, 2u);
}

TEST(PhaseSpansTest, ARealloctionTiesTheOldBlockToTheNew) {
  PhaseSpans spans;
  spans.Add({1, 2, 1, 10, 1, 1});
  spans.Add({2, 3, 1, 10, 2, 2});
  int phases = 0;
  spans.Retire(100, [&](const PhaseSpan&) { ++phases; });
  EXPECT_EQ(phases, 1);
}

TEST(PhaseBoundariesTest, AreReadAsTheyWereWritten) {
  ThreadBoundaries first, none, last;
  first.Add(1, 8);
  first.Add(9, 1'000'000);
  last.Add(300, 301);
  PhaseBoundaries all;
  all.AddThread(first);
  all.AddThread(none);
  all.AddThread(last);
  const std::vector<std::byte> bytes = all.Take();
  std::vector<BoundaryCursor> cursors = ReadBoundaries(bytes);
  ASSERT_EQ(cursors.size(), 3u);
  EXPECT_EQ(cursors[0].first(), 1u);
  EXPECT_EQ(cursors[0].last(), 8u);
  cursors[0].Next();
  EXPECT_EQ(cursors[0].first(), 9u);
  EXPECT_EQ(cursors[0].last(), 1'000'000u);
  cursors[0].Next();
  EXPECT_EQ(cursors[0].first(), 0u);
  EXPECT_EQ(cursors[1].first(), 0u);
  EXPECT_EQ(cursors[2].last(), 301u);
  EXPECT_THROW(ReadBoundaries(std::span(bytes).first(bytes.size() - 1)), std::invalid_argument);
}

TEST(TransactionFinderTest, FindsPhasesBetweenQuiescentPoints) {
  Program program;
  for (int i = 0; i < 100; ++i) program.Alloc(4096);  // lives long
  for (int i = 0; i < 50; ++i) {
    program.Transaction(10);
    program.Alloc(64);  // survives, outside
  }
  const TransactionSearch search = BothPasses(program);
  EXPECT_EQ(search.births, 100u + 50 * 11);
  EXPECT_EQ(search.found.phases, 50u);
  EXPECT_EQ(search.found.heldBlocks, 500u);
  EXPECT_EQ(search.found.heldBytes, 50'000u);
  EXPECT_EQ(search.found.survivors, 0u);
  EXPECT_EQ(search.found.events.max(), 20u);
  std::vector<BoundaryCursor> cursors = ReadBoundaries(search.boundaries);
  ASSERT_EQ(cursors.size(), 1u);
  EXPECT_EQ(cursors[0].first(), 101u);
  EXPECT_EQ(cursors[0].last(), 120u);
  cursors[0].Next();
  EXPECT_EQ(cursors[0].first(), 122u);
}

TEST(TransactionFinderTest, SurvivorsAreSeenAndTieNothing) {
  Program program;
  for (int i = 0; i < 50; ++i) {
    const auto a = program.Alloc(10);
    program.Alloc(192);  // a version that stays
    const auto b = program.Alloc(10), c = program.Alloc(10), d = program.Alloc(10);
    for (const auto id : {a, b, c, d}) program.Free(id);
  }
  const TransactionSearch search = BothPasses(program);
  EXPECT_EQ(search.found.phases, 50u);
  EXPECT_EQ(search.found.heldBlocks, 200u);
  EXPECT_EQ(search.found.survivors, 50u);
}

TEST(TransactionFinderTest, ChoosesTheTransactionAroundItsStatementsWhereItHoldsMore) {
  Program program;
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    std::vector<std::uint64_t> locks;
    for (std::uint32_t left = 20 + random.Below(20); left > 0; --left) {
      locks.push_back(program.Alloc(64));
      program.Transaction(4);
    }
    for (const auto lock : locks) program.Free(lock);
  }
  EXPECT_EQ(BothPasses(program).found.phases, 60u);
}

TEST(TransactionFinderTest, ChoosesStatementsWhereTransactionsRunIntoOneAnother) {
  Program program;
  std::uint64_t chained = program.Alloc(64);
  for (int i = 0; i < 2000; ++i) {
    program.Transaction(5);
    // Every lock is freed when the next is there: nothing above the statements is ever at rest.
    if (i % 20 != 0) continue;
    const std::uint64_t next = program.Alloc(64);
    program.Free(chained);
    chained = next;
  }
  EXPECT_EQ(BothPasses(program).found.phases, 2000u);
}

TEST(TransactionFinderTest, FindsNothingWhereLivesOverlapWithoutEnd) {
  Program program;
  Random random(7);
  std::vector<std::uint64_t> alive;
  for (int i = 0; i < 64; ++i) alive.push_back(program.Alloc(8));
  for (int i = 0; i < 20'000; ++i) {
    std::uint64_t& any = alive[random.Below(64)];
    program.Free(any);
    any = program.Alloc(8);
  }
  const TransactionSearch search = BothPasses(program);
  EXPECT_FALSE(FirstPass(program).threads[0].chosen);
  EXPECT_EQ(search.found.phases, 0u);
}

TEST(TransactionFinderTest, ThreadsHaveTheirOwnPhasesHoweverTheyInterleave) {
  Program program;
  for (int i = 0; i < 40; ++i) {
    std::vector<std::uint64_t> ours, theirs;
    for (int k = 0; k < 6; ++k) {
      ours.push_back(program.Alloc(10, 0));
      theirs.push_back(program.Alloc(10, 1));
      theirs.push_back(program.Alloc(10, 1));
    }
    for (const auto id : ours) program.Free(id, 0);
    program.Transaction(6, 0);
    for (const auto id : theirs) program.Free(id, 1);
  }
  const TransactionSearch search = BothPasses(program);
  ASSERT_EQ(search.threads.size(), 2u);
  EXPECT_EQ(search.threads[0].levels[*search.threads[0].chosen].phases, 80u);
  EXPECT_EQ(search.threads[1].levels[*search.threads[1].chosen].phases, 40u);
}

TEST(TransactionFinderTest, WhatAnotherThreadFreesIsHandedOver) {
  Program program;
  for (int i = 0; i < 40; ++i) {
    const auto given = program.Alloc(10, 0);
    program.Transaction(6, 0);
    program.Transaction(6, 0);
    program.Free(given, 1);
  }
  const TransactionSearch search = BothPasses(program);
  EXPECT_EQ(search.handedOver, 40u);
  EXPECT_EQ(search.found.phases, 80u);
}

TEST(TransactionFinderTest, AThreadTooShortToJudgeDoesAsAllDoTogether) {
  Program program;
  for (std::uint32_t connection = 0; connection < 30; ++connection) {
    for (int i = 0; i < 3; ++i) program.Transaction(8, connection);
  }
  EXPECT_EQ(BothPasses(program).found.phases, 90u);
}

TEST(TransactionFinderTest, RefusesADoubleFreeAndAnUnknownBlock) {
  Program program;
  program.Free(program.Alloc(8));
  program.Free(1);
  EXPECT_THROW(FirstPass(program), TraceError);
  Program other;
  other.Free(5);
  EXPECT_THROW(FirstPass(other), TraceError);
}

TEST(TransactionFinderTest, FindsNothingWherePhasesGrowWithEveryLevel) {
  // Lives of every length: of each doubling half as many as of the one before, in no rhythm.
  Program program;
  Random random(3);
  std::vector<std::vector<std::uint64_t>> dyingAt(40'000);
  for (std::size_t now = 0; now < dyingAt.size(); ++now) {
    for (const auto id : dyingAt[now]) program.Free(id);
    std::uint64_t life = 1;
    while (life < 16'384 && random.Percent(50)) life *= 2;
    const std::size_t death = now + life + random.Below(static_cast<std::uint32_t>(life));
    const auto id = program.Alloc(8);
    if (death < dyingAt.size()) dyingAt[death].push_back(id);
  }
  EXPECT_FALSE(FirstPass(program).threads[0].chosen);
}

TEST(PhaseComparisonTest, APhaseIsKeptWhenItIsMostOfAPhaseOfTheNextLevel) {
  PhaseComparison comparison;
  comparison.Complete({10, 20, 8, 80, 1, 8});
  comparison.Complete({30, 40, 5, 50, 9, 13});
  comparison.Complete({50, 60, 5, 50, 14, 18});
  comparison.Complete({90, 99, 4, 40, 19, 22});
  EXPECT_EQ(comparison.KeptBlocks({8, 22, 9, 90, 1, 9}), 8u);
  EXPECT_EQ(comparison.KeptBlocks({30, 60, 11, 110, 9, 19}), 0u);  // two of five
  EXPECT_EQ(comparison.KeptBlocks({70, 80, 4, 40, 20, 23}), 0u);   // new
  EXPECT_EQ(comparison.KeptBlocks({90, 99, 4, 40, 19, 22}), 4u);
}

TEST(TransactionMarkerTest, MarksFromTheFirstBirthToTheLastDeath) {
  Program program;
  program.Alloc(4096);
  for (int i = 0; i < 20; ++i) {
    program.Transaction(4);
    program.Realloc(program.Alloc(7), 9);
  }
  TraceInfo info;
  Kept kept;
  const TransactionSearch search = BothPasses(program);
  ASSERT_EQ(search.found.phases, 20u);
  const auto marker = MakeTransactionMarker(search.boundaries, info, kept);
  marker->Consume(program.events);
  marker->Finish();
  ASSERT_EQ(kept.events.size(), program.events.size() + 40);
  EXPECT_EQ(kept.events[0].type, EventType::kAlloc);
  EXPECT_EQ(kept.events[0].scope, 0u);
  EXPECT_EQ(kept.events[1].type, EventType::kBegin);
  EXPECT_EQ(info.names.transactionTypes[kept.events[1].name], "found");
  EXPECT_EQ(kept.events[2].scope, 1u);
  EXPECT_EQ(kept.events[9].type, EventType::kFree);
  EXPECT_EQ(kept.events[10].type, EventType::kCommit);
  EXPECT_EQ(kept.events[11].scope, 0u);  // behind it
  EXPECT_EQ(kept.events[12].type, EventType::kRealloc);
  EXPECT_EQ(kept.events[12].scope, 0u);
  EXPECT_EQ(kept.events[13].id, 2u);  // the next begin
}

TEST(UnmarkedFilterTest, FreesAtTheEndWhatDiedWithATransaction) {
  std::vector<Event> events(4);
  events[0].type = EventType::kBegin;
  events[0].id = 1;
  events[1].id = 1;
  events[1].scope = 1;
  events[1].flags = kFlagDiesWithScope;
  events[2].id = 2;
  events[2].scope = 1;
  events[3].type = EventType::kCommit;
  events[3].id = 1;
  Kept kept;
  const auto filter = MakeUnmarkedFilter(kept);
  filter->Consume(events);
  filter->Finish();
  ASSERT_EQ(kept.events.size(), 3u);
  EXPECT_EQ(kept.events[0].scope, 0u);
  EXPECT_EQ(kept.events[0].flags, 0u);
  EXPECT_EQ(kept.events[2].type, EventType::kFree);
  EXPECT_EQ(kept.events[2].id, 1u);
}

}  // namespace
}  // namespace rmem
