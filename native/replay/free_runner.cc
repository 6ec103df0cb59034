#include "replay/free_runner.h"

#include <climits>

#include "replay/coordination.h"
#include "trace/trace_error.h"

namespace rmem {

FreeRunner::FreeRunner(ReplayState& state, ReplayMonitor& monitor)
    : state_(state),
      monitor_(monitor),
      threads_(state.streamCount()),
      seats_(std::make_unique<Seat[]>(state.streamCount())) {
  for (std::uint32_t stream = 0; stream < threads_.count(); ++stream) {
    seats_[stream] = {this, stream};
    if (!threads_.Start(stream, Body, &seats_[stream], &state_.failures())) {
      Quit();
      throw TraceError(state_.failures().failure().code, state_.failures().failure().message);
    }
  }
}

FreeRunner::~FreeRunner() {
  Quit();
}

void FreeRunner::Quit() {
  quit_ = true;
  Open();
  for (std::uint32_t stream = 0; stream < threads_.count(); ++stream) {
    if (threads_.running(stream)) threads_.Join(stream);
  }
}

void FreeRunner::Open() {
  gate_.fetch_add(1);
  FutexWake(gate_, INT_MAX);
}

bool FreeRunner::Run(PlanSection section, SectionTime* time) {
  if (state_.plan().runs(section).empty()) return !Halted();
  section_ = section;
  arrived_.store(0);
  allArrived_.store(0);
  const std::uint64_t startCpuNs = ProcessCpuNs();
  const std::uint64_t startNs = MonotonicNs();
  for (std::uint32_t stream = 0; stream < threads_.count(); ++stream)
    state_.context(stream).sectionStartNs = startNs;
  Open();
  while (allArrived_.load() == 0) {
    FutexWait(allArrived_, 0, kTickNs);
    if (allArrived_.load() == 0) monitor_.Tick(state_.PublishedInstructions());
  }
  time->wallNs = endNs_ - startNs;
  time->cpuNs = endCpuNs_ - startCpuNs;
  return !Halted();
}

void* FreeRunner::Body(void* seat) {
  Seat& own = *static_cast<Seat*>(seat);
  own.runner->Serve(own.stream);
  return nullptr;
}

void FreeRunner::Serve(std::uint32_t stream) {
  // Every thread starts before the first opening, whatever the scheduler makes of that.
  for (std::uint32_t opening = 1;; ++opening) {
    while (gate_.load() < opening) FutexWait(gate_, opening - 1, kSleepSliceNs);
    if (quit_) return;
    Execute(state_.context(stream));
    if (arrived_.fetch_add(1) + 1 < threads_.count()) continue;
    endNs_ = MonotonicNs();
    endCpuNs_ = ProcessCpuNs();
    allArrived_.store(1);
    FutexWake(allArrived_, 1);
  }
}

void FreeRunner::Execute(StreamContext& context) {
  const LoopFunction loop = state_.loop();
  const Instruction* end = context.next + state_.plan().streams()[context.stream].count[section_];
  while (context.next != end) {
    // Returns early after a thread's end in the trace; here its thread goes on.
    context.next = loop(context, context.next, end);
    if (context.fault != StreamFault::kNone) {
      state_.ReportFault(context);
      return;
    }
  }
  EndSection(context);
}

}  // namespace rmem
