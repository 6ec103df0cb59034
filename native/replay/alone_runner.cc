#include "replay/alone_runner.h"

#include <algorithm>

#include "replay/memory_timeline.h"

namespace rmem {

bool AloneRunner::Run(PlanSection section, SectionTime* time) {
  if (state_.streamCount() == 0) return !Halted();
  StreamContext& context = state_.context(0);
  const Instruction* end = context.next + state_.plan().streams()[0].count[section];
  const std::uint64_t startCpuNs = ProcessCpuNs();
  const std::uint64_t startNs = MonotonicNs();
  context.sectionStartNs = startNs;
  const bool done = Execute(context, end);
  time->wallNs = MonotonicNs() - startNs;
  time->cpuNs = ProcessCpuNs() - startCpuNs;
  return done;
}

bool AloneRunner::Execute(StreamContext& context, const Instruction* end) {
  const LoopFunction loop = state_.loop();
  std::uint64_t tickAtNs = context.sectionStartNs + kTickNs;
  while (context.next != end) {
    if (Halted()) return false;
    const Instruction* stop = end - context.next > kBatch ? context.next + kBatch : end;
    if (timeline_ != nullptr) stop = std::min(stop, context.first + timeline_->nextDue());
    context.next = loop(context, context.next, stop);
    if (context.fault != StreamFault::kNone) {
      state_.ReportFault(context);
      return false;
    }
    const std::uint64_t done = static_cast<std::uint64_t>(context.next - context.first);
    if (timeline_ != nullptr && done == timeline_->nextDue()) timeline_->Take();
    const std::uint64_t nowNs = MonotonicNs();
    if (nowNs >= tickAtNs) {
      monitor_.Tick(done);
      tickAtNs = nowNs + kTickNs;
    }
  }
  return true;
}

}  // namespace rmem
