#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/histogram.h"
#include "replay/plan.h"
#include "replay/touch.h"
#include "replay/waitable_counter.h"
#include "replay/windows.h"

namespace rmem {

class Transaction;
class FailureRecord;
class ReplayedPeak;
struct CheckedBlock;

/** What other streams may read of a stream; on cache lines of its own, in pairs, as CPUs fetch them. */
struct alignas(128) StreamCell {
  WaitableCounter done;               // instructions executed, over all sections
  std::atomic<std::int64_t> live{0};  // bytes allocated minus bytes freed by this stream
};

/** Times of single operations, in ticks of the OperationClock. */
struct LatencyRecord {
  Histogram alloc, free, realloc, transaction;
};

/** Why a loop returned before the end of its batch. */
enum class StreamFault : std::uint8_t { kNone, kFailed, kHalted };

/** All that a loop needs to execute a part of one stream. */
struct alignas(128) StreamContext {
  void* route = nullptr;
  void** slots = nullptr;          // by slot: the block
  Transaction** scopes = nullptr;  // by scope slot
  const WideOperands* wide = nullptr;
  Touch touch{TouchKind::kPage};
  StreamFault fault = StreamFault::kNone;
  bool paced = false;  // kSleepUntil sleeps
  std::uint32_t stream = 0;
  const Instruction* first = nullptr;  // of the stream, to count what was executed
  const Instruction* next = nullptr;   // where the stream stands

  // Free order of more than one stream.
  StreamCell* cells = nullptr;  // of all streams
  Windows* windows = nullptr;
  ReplayedPeak* peak = nullptr;
  std::uint32_t window = kNoWindow;
  std::int64_t live = 0;
  std::uint64_t sectionStartNs = 0;

  FailureRecord* failures = nullptr;
  CheckedBlock* checked = nullptr;   // by slot; check round
  LatencyRecord* latency = nullptr;  // latency round
  const OperationClock* clock = nullptr;
  std::uint64_t* scopeStartTicks = nullptr;  // by scope slot; latency round
};

/**
 * Executes [begin, end) of a stream. Returns `end`; or the place after a kThreadEnd; or, with context.fault
 * set, the instruction that failed or was halted.
 */
using LoopFunction = const Instruction* (*)(StreamContext& context, const Instruction* begin,
                                            const Instruction* end);

}  // namespace rmem
