#include "replay/turn_runner.h"

#include <algorithm>

#include "replay/futex.h"
#include "replay/memory_timeline.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

bool ThreadsLiveAsInTheTrace(ReplayMode mode) {
  return mode == ReplayMode::kMemory || mode == ReplayMode::kCheck;
}

}  // namespace

TurnRunner::TurnRunner(ReplayState& state, ReplayMonitor& monitor, MemoryTimeline* timeline)
    : state_(state),
      monitor_(monitor),
      timeline_(timeline),
      threadsEnd_(ThreadsLiveAsInTheTrace(state.options().mode)),
      threads_(state.streamCount()),
      seats_(std::make_unique<Seat[]>(state.streamCount())) {
  for (std::uint32_t stream = 0; stream < threads_.count(); ++stream) {
    seats_[stream].runner = this;
    seats_[stream].stream = stream;
    if (!threadsEnd_ && !Start(stream)) {
      Quit();
      throw TraceError(state_.failures().failure().code, state_.failures().failure().message);
    }
  }
}

TurnRunner::~TurnRunner() {
  Quit();
}

void TurnRunner::Quit() {
  quit_ = true;
  for (std::uint32_t stream = 0; stream < threads_.count(); ++stream) {
    if (!threads_.running(stream)) continue;
    seats_[stream].turn.Give();
    threads_.Join(stream);
  }
}

bool TurnRunner::Start(std::uint32_t stream) {
  return threads_.Start(stream, Body, &seats_[stream], &state_.failures());
}

bool TurnRunner::Run(PlanSection section, SectionTime* time) {
  runs_ = state_.plan().runs(section);
  run_ = 0;
  leftInRun_ = runs_.empty() ? 0 : runs_[0].count;
  const std::uint64_t startCpuNs = ProcessCpuNs();
  const std::uint64_t startNs = MonotonicNs();
  while (!Halted() && NextRun()) {
    const std::uint32_t stream = runs_[run_].stream;
    if (!threads_.running(stream) && !Start(stream)) return false;
    seats_[stream].turn.Give();
    while (!conductor_.Take(kTickNs)) monitor_.Tick(done_.load(std::memory_order_relaxed));
    if (ended_ != kNobody) {
      threads_.Join(ended_);
      ended_ = kNobody;
    }
  }
  time->wallNs = MonotonicNs() - startNs;
  time->cpuNs = ProcessCpuNs() - startCpuNs;
  return !Halted();
}

/** Steps over runs that are done. False: the section is. */
bool TurnRunner::NextRun() {
  while (leftInRun_ == 0) {
    if (run_ == runs_.size() || ++run_ == runs_.size()) return false;
    leftInRun_ = runs_[run_].count;
  }
  return true;
}

void* TurnRunner::Body(void* argument) {
  Seat& seat = *static_cast<Seat*>(argument);
  TurnRunner& runner = *seat.runner;
  for (;;) {
    if (!seat.turn.Take(kSleepSliceNs)) continue;
    if (runner.quit_ || !runner.HoldBaton(seat.stream)) return nullptr;
  }
}

/** Executes what is left of the run, or up to a thread's end in it. False: a failure. */
bool TurnRunner::ExecuteRun(StreamContext& context) {
  const LoopFunction loop = state_.loop();
  while (leftInRun_ > 0 && !Halted()) {
    std::uint64_t done = done_.load(std::memory_order_relaxed);
    std::uint64_t count = std::min<std::uint64_t>(leftInRun_, kBatch);
    if (timeline_ != nullptr) count = std::min(count, timeline_->nextDue() - done);
    const Instruction* start = context.next;
    context.next = loop(context, start, start + count);
    const std::uint64_t executed = static_cast<std::uint64_t>(context.next - start);
    leftInRun_ -= static_cast<std::uint32_t>(executed);
    done += executed;
    done_.store(done, std::memory_order_relaxed);
    if (context.fault != StreamFault::kNone) {
      state_.ReportFault(context);
      return false;
    }
    if (timeline_ != nullptr && done == timeline_->nextDue()) timeline_->Take();
    if (threadsEnd_ && executed > 0 && context.next[-1].op == Op::kThreadEnd) return true;
  }
  return true;
}

/** False: this thread ends here. */
bool TurnRunner::HoldBaton(std::uint32_t stream) {
  StreamContext& context = state_.context(stream);
  for (;;) {
    const Instruction* start = context.next;
    const bool going = ExecuteRun(context) && !Halted();
    if (going && threadsEnd_ && context.next != start && context.next[-1].op == Op::kThreadEnd) {
      ended_ = stream;
      conductor_.Give();
      return false;
    }
    if (!going || !NextRun() || !threads_.running(runs_[run_].stream)) {
      conductor_.Give();
      return true;
    }
    if (runs_[run_].stream == stream) continue;
    seats_[runs_[run_].stream].turn.Give();
    return true;
  }
}

}  // namespace rmem
