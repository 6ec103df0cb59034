#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

struct PlanOptions {
  std::string planPath;        // the file to write
  std::string spoolDirectory;  // where instructions wait until their stream is complete; twice the plan's
                               // size is needed
  std::uint32_t threads = 0;   // replaying threads; 0: one for each thread of the trace
  bool withTimes = false;      // keep the times of the trace (kSleepUntil), for a replay at its own speed
};

/** How faithful the plan is to its trace, and how large. */
struct PlanSummary {
  std::uint64_t traceEvents = 0;  // all events taken, marks and samples among them
  std::uint64_t events = 0;       // alloc, free, realloc, begin, commit, abort: what a replay executes
  std::uint64_t measuredEvents = 0;
  std::uint64_t impliedFrees = 0;  // blocks that die with their scope
  std::uint64_t measuredImpliedFrees = 0;
  std::uint64_t transactions = 0;
  std::uint64_t scopedBlocks = 0;      // born in a transaction
  std::uint64_t eligibleBlocks = 0;    // of these, arena-eligible: never outlive their scope
  std::uint64_t crossThreadFrees = 0;  // frees and reallocs on another thread than the block's last
  std::uint64_t frees = 0;             // frees and reallocs
  std::uint64_t waits = 0;
  std::uint64_t windows = 0;
  std::uint64_t times = 0;              // at which memory may be looked at, from the mark `start` on
  std::uint64_t spanNs = 0;             // from the first of them to the last
  std::uint64_t sampledTotalBytes = 0;  // the largest total that a sample of the trace tells; 0: none
  std::uint64_t openingBlocks = 0;      // alive at the mark `start`
  std::uint64_t leftoverBlocks = 0;
  std::uint64_t peakLiveBytes = 0, peakLiveBlocks = 0;
  std::uint64_t instructions = 0, planBytes = 0;
  std::uint32_t threads = 0, streams = 0, slots = 0, scopeSlots = 0;
};

/**
 * Compiles events, in the total order of the trace, into a plan (plan.h). One pass; memory follows the blocks
 * and transactions that are alive and the number of streams, never the length of the trace. The same events
 * and options give the same file, bit for bit.
 *
 * Throws TraceError: `double-free`, `unknown-block`, `bad-transaction` with the event's number; `disk-full`
 * and `io` naming the directory.
 */
class Planner : public EventSink {
 public:
  /** `names` tells which marks are `start` and `stop`; it may grow while events come in. */
  Planner(const PlanOptions& options, const TraceNames& names);
  ~Planner() override;
  void Consume(std::span<const Event> events) override;
  void Finish() override;

  /** Complete after Finish. */
  const PlanSummary& summary() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
