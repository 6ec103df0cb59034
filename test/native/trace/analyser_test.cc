#include "trace/analyser.h"

#include <gtest/gtest.h>

#include <vector>

#include "trace/trace_error.h"

namespace rmem {
namespace {

/** Builds canonical events; ids and positions are given out in order. */
class Script {
 public:
  std::uint64_t Alloc(std::uint64_t size, std::uint64_t scope = 0, std::uint8_t flags = 0,
                      std::uint16_t kind = 0) {
    Event& event = Add(EventType::kAlloc);
    event.id = ++births_;
    event.size = size;
    event.scope = scope;
    event.flags = flags;
    event.name = kind;
    return event.id;
  }
  void Free(std::uint64_t id) { Add(EventType::kFree).id = id; }
  std::uint64_t Realloc(std::uint64_t id, std::uint64_t size, std::uint64_t scope = 0) {
    Event& event = Add(EventType::kRealloc);
    event.id = id;
    event.newId = ++births_;
    event.size = size;
    event.scope = scope;
    return event.newId;
  }
  std::uint64_t Begin(std::uint64_t parent = 0, std::uint16_t type = 0) {
    Event& event = Add(EventType::kBegin);
    event.id = ++begins_;
    event.scope = parent;
    event.name = type;
    return event.id;
  }
  void Commit(std::uint64_t id, bool inherit = false) {
    Event& event = Add(EventType::kCommit);
    event.id = id;
    event.flags = inherit ? kFlagInherit : 0;
  }
  void Abort(std::uint64_t id) { Add(EventType::kAbort).id = id; }
  Event& Add(EventType type) {
    Event event;
    event.type = type;
    event.thread = thread;
    event.timeNs = time;
    event.position = events.size() + 1;
    events.push_back(event);
    return events.back();
  }

  std::vector<Event> events;
  std::uint32_t thread = 0;
  std::uint64_t time = kNoTime;

 private:
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
};

class AnalyserTest : public ::testing::Test {
 protected:
  const TraceAnalysis& Analyse() {
    analyser_.Consume(s_.events);
    analyser_.Finish();
    return analyser_.analysis();
  }
  std::string ErrorOf(std::uint64_t event) {
    try {
      Analyse();
    } catch (const TraceError& error) {
      EXPECT_EQ(error.event(), event);
      return error.code();
    }
    return "none";
  }

  Script s_;
  TraceNames names_;
  Analyser analyser_{names_};
};

TEST_F(AnalyserTest, AnEmptyTraceHasNothingInIt) {
  const TraceAnalysis& a = Analyse();
  EXPECT_EQ(a.events, 0u);
  EXPECT_EQ(a.peak.bytes, 0u);
  EXPECT_TRUE(a.threads.empty());
  EXPECT_TRUE(a.liveOverTime.empty());
  EXPECT_EQ(a.sizes.Quantile(0.5), 0u);
}

TEST_F(AnalyserTest, CountsBytesSizesAndLifetimes) {
  s_.time = 1000;
  const auto a = s_.Alloc(100, 0, kFlagZeroed);
  s_.time = 1500;
  const auto b = s_.Alloc(50);
  s_.Free(a);
  s_.time = 1600;
  s_.Free(b);
  s_.Alloc(50);
  const TraceAnalysis& result = Analyse();
  EXPECT_EQ(result.events, 5u);
  EXPECT_EQ(result.eventsByType[static_cast<int>(EventType::kAlloc)], 3u);
  EXPECT_EQ(result.bytesRequested, 200u);
  EXPECT_EQ(result.zeroedBlocks, 1u);
  EXPECT_EQ(result.zeroedBytes, 100u);
  EXPECT_EQ(result.defaultAlignments, 3u);
  EXPECT_EQ(result.peak.bytes, 150u);
  EXPECT_EQ(result.peak.event, 2u);
  EXPECT_EQ(result.peak.timeNs, 1500u);
  EXPECT_EQ(result.end.bytes, 50u);
  EXPECT_EQ(result.end.blocks, 1u);
  ASSERT_EQ(result.topSizes.size(), 2u);
  EXPECT_EQ(result.topSizes[0].size, 50u);
  EXPECT_EQ(result.topSizes[0].count, 2u);
  EXPECT_EQ(result.lifetimeEvents.total(), 2u);
  EXPECT_EQ(result.lifetimeEvents.min(), 2u);
  EXPECT_EQ(result.lifetimeNs.max(), 500u);
  EXPECT_EQ(result.lifetimeNs.min(), 100u);
  EXPECT_EQ(result.firstTimeNs, 1000u);
  EXPECT_EQ(result.lastTimeNs, 1600u);
}

TEST_F(AnalyserTest, SeesFreesAndReallocsThatComeFromAnotherThread) {
  const auto a = s_.Alloc(10);
  const auto b = s_.Alloc(10);
  s_.thread = 1;
  s_.Free(a);
  const auto c = s_.Realloc(b, 20);
  const auto d = s_.Realloc(c, 5);  // born on this thread by now
  s_.Free(s_.Realloc(d, 5));
  const TraceAnalysis& result = Analyse();
  EXPECT_EQ(result.crossThreadFrees, 1u);
  EXPECT_EQ(result.crossThreadReallocs, 1u);
  EXPECT_EQ(result.reallocsGrown, 1u);
  EXPECT_EQ(result.reallocsShrunk, 1u);
  EXPECT_EQ(result.reallocsSame, 1u);
  EXPECT_EQ(result.reallocBytesKept, 10u + 5u + 5u);
  EXPECT_EQ(result.reallocatedBlocks, 1u);
  EXPECT_EQ(result.longestReallocChain, 3u);
  ASSERT_EQ(result.threads.size(), 2u);
  EXPECT_EQ(result.threads[1].events, 5u);
  EXPECT_EQ(result.threads[1].births, 3u);
  EXPECT_EQ(result.threads[1].firstEvent, 3u);
}

TEST_F(AnalyserTest, BlocksDieWithTheirScopeOrOutliveIt) {
  const auto t = s_.Begin(0, 1);
  s_.Alloc(100, t, kFlagDiesWithScope);
  const auto freed = s_.Alloc(10, t);
  s_.Alloc(7, t);  // outlives
  const auto savepoint = s_.Begin(t);
  s_.Alloc(1000, savepoint, kFlagDiesWithScope);
  s_.Commit(savepoint, true);  // now of t
  s_.Free(freed);
  const auto undone = s_.Begin(t);
  s_.Alloc(5, undone, kFlagDiesWithScope);
  s_.Abort(undone);
  s_.Commit(t);
  const TraceAnalysis& a = Analyse();
  EXPECT_EQ(a.transactions, 1u);
  EXPECT_EQ(a.savepoints, 2u);
  EXPECT_EQ(a.commits, 1u);
  EXPECT_EQ(a.releases, 1u);
  EXPECT_EQ(a.aborts, 1u);
  EXPECT_EQ(a.deepestNesting, 2u);
  EXPECT_EQ(a.mostOpen, 2u);
  EXPECT_EQ(a.openAtEnd, 0u);
  EXPECT_EQ(a.impliedFrees, 3u);
  EXPECT_EQ(a.scopedBlocks, 5u);
  EXPECT_EQ(a.outlivingBlocks, 1u);
  EXPECT_EQ(a.end.bytes, 7u);
  EXPECT_EQ(a.profile.blocks.max(), 5u);  // the outermost one, its savepoints included
  ASSERT_EQ(a.transactionTypes.size(), 2u);
  EXPECT_EQ(a.transactionTypes[1].begins, 1u);
  EXPECT_EQ(a.transactionTypes[1].blocks, 3u);
}

TEST_F(AnalyserTest, AnExplicitFreeWinsOverTheScope) {
  const auto t = s_.Begin();
  s_.Free(s_.Alloc(100, t, kFlagDiesWithScope));
  s_.Commit(t);
  EXPECT_EQ(Analyse().impliedFrees, 0u);
}

TEST_F(AnalyserTest, ALongTransactionOfShortBlocksForgetsTheDead) {
  const auto t = s_.Begin();
  for (int i = 0; i < 10'000; ++i) s_.Free(s_.Alloc(8, t));
  s_.Alloc(8, t, kFlagDiesWithScope);
  s_.Commit(t);
  const TraceAnalysis& a = Analyse();
  EXPECT_EQ(a.impliedFrees, 1u);
  EXPECT_EQ(a.profile.blocks.max(), 10'001u);
}

TEST_F(AnalyserTest, TheMarkStartBoundsTheOpeningPopulation) {
  s_.Alloc(30);
  const auto t = s_.Begin();
  s_.Add(EventType::kMark).name = names_.marks.Intern("start");
  s_.Alloc(70, t);
  const TraceAnalysis& a = Analyse();
  EXPECT_TRUE(a.hasOpening);
  EXPECT_EQ(a.opening.bytes, 30u);
  EXPECT_EQ(a.opening.blocks, 1u);
  EXPECT_EQ(a.openingTransactions, 1u);
  EXPECT_EQ(a.openAtEnd, 1u);
  ASSERT_EQ(a.marks.size(), 1u);
}

TEST_F(AnalyserTest, KindsKeepTheirOwnPeaks) {
  s_.Free(s_.Alloc(100, 0, 0, 1));
  s_.Alloc(60, 0, 0, 1);
  s_.Alloc(1, 0, 0, 0);
  const TraceAnalysis& a = Analyse();
  ASSERT_EQ(a.kinds.size(), 2u);
  EXPECT_EQ(a.kinds[1].births, 2u);
  EXPECT_EQ(a.kinds[1].peakLiveBytes, 100u);
  EXPECT_EQ(a.kinds[1].liveBytes, 60u);
  EXPECT_EQ(a.kinds[1].lifetimeWidths[1], 1u);
}

TEST_F(AnalyserTest, LiveOverTimeStaysSmallAndEven) {
  for (int i = 0; i < 100'000; ++i) s_.Alloc(1);
  const TraceAnalysis& a = Analyse();
  ASSERT_GE(a.liveOverTime.size(), 500u);
  ASSERT_LE(a.liveOverTime.size(), 1024u);
  const std::uint64_t distance = a.liveOverTime[0].event;
  for (std::size_t i = 0; i < a.liveOverTime.size(); ++i) {
    EXPECT_EQ(a.liveOverTime[i].event, distance * (i + 1));
    EXPECT_EQ(a.liveOverTime[i].bytes, a.liveOverTime[i].event);
  }
}

TEST_F(AnalyserTest, TooManyLargeSizesAreSaidToBeInexact) {
  for (std::uint64_t i = 0; i < 70'000; ++i) s_.Free(s_.Alloc((1 << 20) + i));
  EXPECT_FALSE(Analyse().topSizesExact);
}

TEST_F(AnalyserTest, ProfilesTransactionsAndEachTypeOfThem) {
  s_.time = 100;
  const auto t = s_.Begin(0, 1);
  const auto freed = s_.Alloc(10, t);
  const auto savepoint = s_.Begin(t, 2);
  s_.Alloc(1000, savepoint);
  s_.Commit(savepoint, true);
  s_.Free(freed);
  s_.time = 350;
  s_.Commit(t);
  s_.Abort(s_.Begin(0, 1));
  const TraceAnalysis& a = Analyse();
  EXPECT_EQ(a.profile.blocks.total(), 2u);  // the savepoint is a part of the first
  EXPECT_EQ(a.profile.blocks.max(), 2u);
  EXPECT_EQ(a.profile.bytes.max(), 1010u);
  EXPECT_EQ(a.profile.survivors.max(), 1u);
  EXPECT_EQ(a.profile.survivors.min(), 0u);
  EXPECT_EQ(a.profile.durationEvents.max(), 6u);
  EXPECT_EQ(a.profile.durationNs.max(), 250u);
  ASSERT_EQ(a.transactionTypes.size(), 3u);
  ASSERT_GE(a.transactionTypes[2].profile, 0);
  const TransactionProfile& savepoints =
      a.typeProfiles[static_cast<std::size_t>(a.transactionTypes[2].profile)];
  EXPECT_EQ(savepoints.blocks.max(), 1u);
  EXPECT_EQ(savepoints.survivors.max(), 0u);  // it passed to the transaction
  EXPECT_EQ(a.transactionTypes[0].profile, -1);
}

TEST_F(AnalyserTest, CountsRunsOnEachThreadForItself) {
  const auto a = s_.Alloc(8);
  const auto b = s_.Alloc(8);
  s_.thread = 1;
  s_.Free(s_.Alloc(8));
  s_.thread = 0;
  const auto c = s_.Realloc(s_.Alloc(8), 16);  // neither ends the run nor counts
  s_.Free(c);
  s_.Free(b);
  s_.Free(a);
  s_.Alloc(8);
  const BurstShape& bursts = Analyse().bursts;
  EXPECT_EQ(bursts.allocRuns.total(), 3u);
  EXPECT_EQ(bursts.allocRuns.max(), 3u);
  EXPECT_EQ(bursts.freeRuns.total(), 2u);
  EXPECT_EQ(bursts.freeRuns.max(), 3u);
}

TEST_F(AnalyserTest, AFreeIsInStackOrderWhenTheBlockIsTheNewestOfItsThread) {
  const auto a = s_.Alloc(8);
  const auto b = s_.Alloc(8);
  const auto c = s_.Alloc(8);
  s_.Free(b);  // no
  s_.Free(c);  // yes
  s_.Free(a);  // yes: b is dead
  const auto d = s_.Alloc(8);
  s_.thread = 1;
  s_.Alloc(8);
  s_.Free(d);  // no: of another thread
  const BurstShape& bursts = Analyse().bursts;
  EXPECT_EQ(bursts.frees, 4u);
  EXPECT_EQ(bursts.lifoFrees, 2u);
}

TEST_F(AnalyserTest, StackOrderHoldsOverManyBlocksThatDieInBetween) {
  const auto first = s_.Alloc(8);
  for (int i = 0; i < 1000; ++i) {
    const auto a = s_.Alloc(8);
    const auto b = s_.Alloc(8);
    s_.Free(a);
    s_.Free(b);
  }
  s_.Free(first);
  EXPECT_EQ(Analyse().bursts.lifoFrees, 1001u);
}

TEST_F(AnalyserTest, ASizeIsReusedAsManyEventsAfterItsLastDeath) {
  const auto a = s_.Alloc(64);
  const auto b = s_.Alloc(64);
  s_.Free(a);                        // event 3
  s_.Free(b);                        // event 4
  s_.Alloc(32);                      // event 5, the first of its size
  s_.Alloc(64);                      // event 6, in the place of b
  s_.Alloc(64);                      // event 7, in that of a
  s_.Alloc(64);                      // nothing is left
  s_.Alloc(std::uint64_t{1} << 20);  // too large to count
  const BurstShape& bursts = Analyse().bursts;
  EXPECT_EQ(bursts.reuseEvents.total(), 2u);
  EXPECT_EQ(bursts.reuseEvents.min(), 2u);
  EXPECT_EQ(bursts.reuseEvents.max(), 4u);
  EXPECT_EQ(bursts.freshBirths, 4u);
}

TEST_F(AnalyserTest, KnowsTheSizesAtThePeak) {
  const auto a = s_.Alloc(100);
  const auto large = s_.Alloc(100'000);
  s_.Alloc(100);
  s_.Free(large);  // the peak was before it
  s_.Free(a);
  s_.Alloc(7);
  const TraceAnalysis& result = Analyse();
  ASSERT_EQ(result.sizeUses.size(), 3u);
  EXPECT_EQ(result.sizeUses[0].size, 7u);
  EXPECT_EQ(result.sizeUses[0].atPeak, 0u);
  EXPECT_EQ(result.sizeUses[1].births, 2u);
  EXPECT_EQ(result.sizeUses[1].atPeak, 2u);
  EXPECT_EQ(result.sizeUses[2].size, 100'000u);
  EXPECT_EQ(result.sizeUses[2].atPeak, 1u);
}

TEST_F(AnalyserTest, RefusesADoubleFree) {
  const auto a = s_.Alloc(8);
  s_.Free(a);
  s_.Free(a);
  EXPECT_EQ(ErrorOf(3), "double-free");
}

TEST_F(AnalyserTest, RefusesAFreeOfABlockThatDiedWithItsScope) {
  const auto t = s_.Begin();
  const auto a = s_.Alloc(8, t, kFlagDiesWithScope);
  s_.Commit(t);
  s_.Free(a);
  EXPECT_EQ(ErrorOf(4), "double-free");
}

TEST_F(AnalyserTest, RefusesAFreeOfWhatWasNeverBorn) {
  s_.Alloc(8);
  s_.Free(2);
  EXPECT_EQ(ErrorOf(2), "unknown-block");
}

TEST_F(AnalyserTest, RefusesAnEndBeforeTheSavepoints) {
  const auto t = s_.Begin();
  s_.Begin(t);
  s_.Commit(t);
  EXPECT_EQ(ErrorOf(3), "bad-transaction");
}

TEST_F(AnalyserTest, RefusesABlockOfATransactionThatIsOver) {
  const auto t = s_.Begin();
  s_.Commit(t);
  s_.Alloc(8, t);
  EXPECT_EQ(ErrorOf(3), "bad-transaction");
}

TEST_F(AnalyserTest, RefusesABlockThatFitsIntoNoAddressSpace) {
  s_.Alloc(kMaxBlockBytes);
  s_.Alloc(kMaxBlockBytes + 1);
  EXPECT_EQ(ErrorOf(2), "bad-size");
}

TEST_F(AnalyserTest, RefusesThreadsWithoutEnd) {
  s_.thread = 4'000'000'000u;
  s_.Alloc(8);
  EXPECT_EQ(ErrorOf(1), "bad-thread");
}

TEST(LogCountsTest, QuantilesAreWithinABucket) {
  LogCounts counts;
  for (std::uint64_t value = 1; value <= 100'000; ++value) counts.Add(value);
  EXPECT_EQ(counts.min(), 1u);
  EXPECT_EQ(counts.max(), 100'000u);
  EXPECT_EQ(counts.Quantile(1.0), 100'000u);
  for (const double quantile : {0.1, 0.5, 0.9, 0.99}) {
    EXPECT_NEAR(static_cast<double>(counts.Quantile(quantile)), quantile * 100'000,
                quantile * 100'000 * 0.032);
  }
}

TEST(LogCountsTest, TakesEveryValue) {
  LogCounts counts;
  for (int bit = 0; bit < 64; ++bit) counts.Add(std::uint64_t{1} << bit);
  counts.Add(0);
  counts.Add(~std::uint64_t{0});
  const auto widths = counts.ByBitWidth();
  EXPECT_EQ(widths[0], 1u);
  for (int width = 1; width < 64; ++width) EXPECT_EQ(widths[width], 1u) << width;
  EXPECT_EQ(widths[64], 2u);
  EXPECT_EQ(counts.Quantile(1.0), ~std::uint64_t{0});
}

}  // namespace
}  // namespace rmem
