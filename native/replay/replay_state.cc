#include "replay/replay_state.h"

#include <algorithm>
#include <new>

#include "replay/block_operation.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

bool HasTimes(const PlanFile& plan) {
  for (std::uint32_t stream = 0; stream < plan.header().streamCount; ++stream) {
    const std::span<const Instruction> all = plan.instructions(stream);
    if (std::any_of(all.begin(), all.end(), [](const Instruction& at) { return at.op == Op::kSleepUntil; }))
      return true;
  }
  return false;
}

const OperationClock& ClockOfThisProcess() {
  static const OperationClock clock = OperationClock::Calibrate();
  return clock;
}

}  // namespace

ReplayState::ReplayState(const PlanFile& plan, const RoundOptions& options)
    : plan_(plan),
      options_(options),
      clock_(ClockOfThisProcess()),
      slots_(plan.header().slotCount, "the table of blocks"),
      scopes_(plan.header().scopeSlotCount, "the table of transactions"),
      contexts_(plan.header().streamCount, "the streams"),
      cells_(plan.header().streamCount, "the streams") {
  if (options.paced && !HasTimes(plan)) {
    throw TraceError("no-times",
                     "the plan holds no times: its trace has none, or it was compiled for full speed");
  }
  loop_ = options.route->loop(options.mode, free());
  if (free()) {
    windows_.emplace(plan.windows());
    peak_.emplace(plan, cells_.data());
  }
  if (options.mode == ReplayMode::kCheck) {
    checked_ = SharedArray<CheckedBlock>(plan.header().slotCount, "checking blocks");
  }
  if (options.mode == ReplayMode::kLatency) {
    latency_ = SharedArray<LatencyRecord>(plan.header().streamCount, "the latency histograms");
    scopeStartTicks_ = SharedArray<std::uint64_t>(plan.header().scopeSlotCount, "the table of transactions");
  }
  route_ = options.route->create(options.heap);
  if (route_ == nullptr) {
    throw TraceError(
        "no-memory",
        "there is no memory, or no address space, for this allocator: raise the limit (ulimit -v, cgroup)");
  }

  for (std::uint32_t stream = 0; stream < streamCount(); ++stream) {
    StreamContext& context = *new (&contexts_[stream]) StreamContext;
    context.route = route_;
    context.slots = slots_.data();
    context.scopes = scopes_.data();
    context.wide = plan.wide();
    context.touch = Touch(options.touch);
    // Sleeping would only hold the baton in recorded order.
    context.paced = options.paced && (options.order == ReplayOrder::kFree);
    context.stream = stream;
    context.first = plan.instructions(stream).data();
    context.failures = &failures_;
    if (free()) {
      context.cells = cells_.data();
      context.windows = &*windows_;
      context.peak = &*peak_;
    }
    context.checked = checked_.data();
    context.latency = latency_.data() == nullptr ? nullptr : &latency_[stream];
    context.clock = &clock_;
    context.scopeStartTicks = scopeStartTicks_.data();
  }
  Reset();
}

std::uint64_t ReplayState::PublishedInstructions() const {
  std::uint64_t done = 0;
  for (std::uint32_t stream = 0; stream < streamCount(); ++stream) done += cells_[stream].done.value();
  return done;
}

std::uint64_t ReplayState::ReplayedPeakBytes() const {
  return peak_.has_value() ? peak_->bytes() : plan_.header().peakLiveBytes;
}

void ReplayState::ReportFault(StreamContext& context) {
  if (context.fault != StreamFault::kFailed) return;
  const Instruction& at = *context.next;
  const std::uint64_t position = static_cast<std::uint64_t>(context.next - context.first);
  if (at.op > Op::kWideRealloc) {
    failures_.SetAt(context.stream, position, "out-of-memory",
                    "the allocator had no memory for a transaction");
  } else {
    // A check that failed has said so already, and the first word counts.
    failures_.SetAt(context.stream, position, "out-of-memory",
                    "the allocator had no memory for a block of %zu bytes", Decode(at, plan_.wide()).size);
  }
}

bool ReplayState::Clear() {
  if (streamCount() == 0) return true;
  return options_.route->clear(contexts_[0], plan_.leftovers(), plan_.openScopes());
}

void ReplayState::Reset() {
  for (StreamContext& context : contexts_) {
    context.next = context.first;
    context.fault = StreamFault::kNone;
    context.window = kNoWindow;
    context.live = 0;
  }
  for (StreamCell& cell : cells_) {
    cell.done.Reset();
    cell.live.store(0, std::memory_order_relaxed);
  }
  if (windows_.has_value()) windows_->Reset();
  if (peak_.has_value()) peak_->Reset();
}

void ReplayState::ForgetLatency() {
  for (LatencyRecord& record : latency_) record = LatencyRecord();
  for (std::uint64_t& begun : scopeStartTicks_) begun = 0;
}

void ReplayState::MergeLatency(LatencyRecord* into) const {
  for (std::size_t i = 0; i < latency_.size(); ++i) {
    into->alloc.Merge(latency_[i].alloc);
    into->free.Merge(latency_[i].free);
    into->realloc.Merge(latency_[i].realloc);
    into->transaction.Merge(latency_[i].transaction);
  }
}

}  // namespace rmem
