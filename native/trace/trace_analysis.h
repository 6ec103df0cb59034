#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "trace/event.h"
#include "trace/log_counts.h"

namespace rmem {

/** A moment of a trace: after `event` (from 1; 0 before the first), and what was alive then. */
struct LivePoint {
  std::uint64_t event = 0;
  std::uint64_t timeNs = kNoTime;
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
};

struct SizeCount {
  std::uint64_t size = 0;
  std::uint64_t count = 0;
};

/** How often a size was asked for, and how many blocks of it were alive at the peak of live bytes. */
struct SizeUse {
  std::uint64_t size = 0;
  std::uint64_t births = 0;
  std::uint64_t atPeak = 0;
};

struct ThreadActivity {
  std::uint64_t originThread =
      0;  // number in the source (a TID), or the dense index where the source says none
  std::uint64_t events = 0;
  std::uint64_t births = 0;  // allocs and reallocs
  std::uint64_t frees = 0;
  std::uint64_t bytes = 0;  // asked for
  std::uint64_t firstEvent = 0, lastEvent = 0;
  bool ended = false;  // a thread end is in the trace
};

/** What a transaction is like, over many of them; each counted at its end. */
struct TransactionProfile {
  LogCounts blocks, bytes;   // born in it, savepoints included
  LogCounts survivors;       // blocks of these, or inherited, that were alive after its end
  LogCounts durationEvents;  // of the trace, from begin to end
  LogCounts durationNs;      // the same, where both have times
};

struct TransactionTypeActivity {
  std::uint64_t begins = 0, commits = 0, aborts = 0;
  std::uint64_t blocks = 0, bytes = 0;  // born in it, not in its savepoints
  std::int32_t profile = -1;            // index into TraceAnalysis::typeProfiles; the first 32 types have one
};

struct KindActivity {
  std::uint64_t births = 0, bytes = 0;
  std::uint64_t liveBytes = 0, liveBlocks = 0;  // at the end
  std::uint64_t peakLiveBytes = 0;
  std::array<std::uint64_t, 65> lifetimeWidths{};  // deaths by bit width of the lifetime in events
};

struct MarkSeen {
  std::uint64_t event = 0;
  std::uint16_t text = 0;  // index into TraceNames::marks
};

/** In what order blocks come and go on a thread. */
struct BurstShape {
  LogCounts allocRuns;          // allocations of a thread without a free of it between; reallocs don't count
  LogCounts freeRuns;           // the reverse
  std::uint64_t lifoFrees = 0;  // frees of the block that, of those alive, was born last on the thread
  std::uint64_t frees = 0;      // all of them
  LogCounts reuseEvents;        // events from the death of a block to the next birth of its size
  std::uint64_t freshBirths = 0;  // births (of up to 32 KiB) that found no recent death of their size
};

/** What is in a trace. Bytes are bytes asked for. */
struct TraceAnalysis {
  std::uint64_t events = 0;
  std::array<std::uint64_t, kEventTypeCount> eventsByType{};
  std::uint64_t firstTimeNs = kNoTime, lastTimeNs = kNoTime;

  std::uint64_t bytesRequested = 0;  // allocs and reallocs; stops at 2^64 - 1
  std::uint64_t zeroedBlocks = 0, zeroedBytes = 0;
  std::array<std::uint64_t, 33> alignments{};  // allocs by log2 of the alignment asked for
  std::uint64_t defaultAlignments = 0;         // allocs that asked for none
  std::uint64_t toldFrees = 0, wronglyToldFrees = 0;

  LogCounts sizes;                  // of allocs and reallocs
  std::vector<SizeCount> topSizes;  // the 20 most frequent, most frequent first
  bool topSizesExact = true;        // false: too many different sizes above 32 KiB to count each
  std::vector<SizeUse> sizeUses;    // every size that was counted, ascending

  LogCounts lifetimeEvents;  // of blocks that died: events from birth to death
  LogCounts lifetimeNs;      // the same, of those whose birth and death have times

  LivePoint peak;                // the first moment of the largest number of live bytes
  std::uint64_t peakBlocks = 0;  // the largest number of live blocks, at any moment
  LivePoint end;
  std::vector<LivePoint> liveOverTime;  // at most 1024, even distances in events
  bool hasOpening = false;              // a mark `start` is in the trace
  LivePoint opening;                    // at the mark `start`
  std::uint64_t openingTransactions = 0;

  std::vector<ThreadActivity> threads;
  std::uint64_t crossThreadFrees = 0, crossThreadReallocs = 0;
  BurstShape bursts;

  std::uint64_t reallocsGrown = 0, reallocsShrunk = 0, reallocsSame = 0;
  std::uint64_t reallocBytesKept = 0;   // what a realloc that moves must copy: the smaller of both sizes
  std::uint64_t reallocatedBlocks = 0;  // blocks with at least one realloc, each chain counted once
  std::uint64_t longestReallocChain = 0;

  std::uint64_t transactions = 0, savepoints = 0;       // begins without and with a parent
  std::uint64_t commits = 0, releases = 0, aborts = 0;  // releases: commits that hand on to the parent
  std::uint64_t impliedFrees = 0;                       // blocks that died with their scope
  std::uint64_t deepestNesting = 0, mostOpen = 0, openAtEnd = 0;
  std::uint64_t scopedBlocks = 0, scopedBytes = 0;
  std::uint64_t outlivingBlocks =
      0;  // of these, alive after the end of their transaction, or of the last it passed them to
  TransactionProfile profile;                    // of transactions without a parent
  std::vector<TransactionProfile> typeProfiles;  // of single types

  std::vector<TransactionTypeActivity> transactionTypes;  // by index into TraceNames::transactionTypes
  std::vector<KindActivity> kinds;                        // by index into TraceNames::kinds
  std::vector<MarkSeen> marks;                            // the first 256
  std::uint64_t samples = 0;
  std::uint64_t largestSampleUsed = 0;
};

/** Sums of a hostile trace stop at 2^64 - 1. */
constexpr std::uint64_t SaturatingAdd(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum < a ? ~std::uint64_t{0} : sum;
}

}  // namespace rmem
