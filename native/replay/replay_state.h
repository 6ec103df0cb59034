#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "replay/check_loop.h"
#include "replay/failure.h"
#include "replay/plan_file.h"
#include "replay/replayed_peak.h"
#include "replay/route_table.h"
#include "replay/shared_array.h"
#include "replay/stream_context.h"
#include "replay/windows.h"

namespace rmem {

enum class ReplayOrder : std::uint8_t { kRecorded, kFree };

/** What a round is asked to do. */
struct RoundOptions {
  const RouteTable* route = nullptr;
  ReplayMode mode = ReplayMode::kTimed;
  ReplayOrder order = ReplayOrder::kFree;
  TouchKind touch = TouchKind::kPage;
  bool paced = false;  // at the speed of the trace
  HeapConfig heap;     // of the routes that are ours
};

/**
 * All tables of a round, made before it starts: slots, transactions, what the streams know of each other.
 * Nothing is allocated afterwards.
 *
 * Throws TraceError: `no-memory`; `no-times` when a plan without times is to be replayed at the speed of the
 * trace.
 */
class ReplayState {
 public:
  ReplayState(const PlanFile& plan, const RoundOptions& options);

  const PlanFile& plan() const { return plan_; }
  const RoundOptions& options() const { return options_; }
  std::uint32_t streamCount() const { return plan_.header().streamCount; }
  StreamContext& context(std::uint32_t stream) { return contexts_[stream]; }
  LoopFunction loop() const { return loop_; }
  void* route() const { return route_; }
  FailureRecord& failures() { return failures_; }
  const OperationClock& clock() const { return clock_; }

  /** Whether streams run by themselves; a single one needs no waits. */
  bool free() const { return options_.order == ReplayOrder::kFree && streamCount() > 1; }

  /** Instructions that the streams have published, in free order. */
  std::uint64_t PublishedInstructions() const;

  /** Peak of live bytes of the pass: in recorded order and with one stream that of the trace. */
  std::uint64_t ReplayedPeakBytes() const;

  /** Says why a loop stopped early. */
  void ReportFault(StreamContext& context);

  /** After a pass, outside the time: frees what is alive. False: halted by a failed check. */
  bool Clear();
  /** Before a pass: everybody stands at the start. */
  void Reset();

  /** Forgets the latencies so far: what counts begins now. */
  void ForgetLatency();
  /** The latencies of all streams together. */
  void MergeLatency(LatencyRecord* into) const;

 private:
  const PlanFile& plan_;
  const RoundOptions options_;
  LoopFunction loop_;
  void* route_;
  FailureRecord failures_;
  OperationClock clock_;
  SharedArray<void*> slots_;
  SharedArray<Transaction*> scopes_;
  SharedArray<StreamContext> contexts_;
  SharedArray<StreamCell> cells_;
  std::optional<Windows> windows_;
  std::optional<ReplayedPeak> peak_;
  SharedArray<CheckedBlock> checked_;
  SharedArray<LatencyRecord> latency_;
  SharedArray<std::uint64_t> scopeStartTicks_;
};

}  // namespace rmem
