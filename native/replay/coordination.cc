#include "replay/coordination.h"

#include <time.h>

#include <algorithm>

#include "base/clock.h"
#include "replay/replayed_peak.h"

namespace rmem {
namespace {

void LeaveWindow(StreamContext& context) {
  if (context.window == kNoWindow) return;
  context.windows->Leave(context.window,
                         [&context](std::uint32_t window) { context.peak->CompleteWindow(window); });
  context.window = kNoWindow;
}

}  // namespace

bool WaitForStream(StreamContext& context, const Instruction* at) {
  WaitableCounter& done = context.cells[at->slot].done;
  const std::uint64_t target = at->Long();
  if (done.value() >= target) return true;
  Publish(context, at);
  return done.WaitFor(target);
}

bool EnterWindow(StreamContext& context, const Instruction* at) {
  Publish(context, at);
  LeaveWindow(context);
  if (!context.windows->WaitToEnter(at->size)) return false;
  context.window = at->size;
  return true;
}

bool SleepUntil(StreamContext& context, const Instruction* at) {
  if (!context.paced) return true;
  if (context.cells != nullptr) Publish(context, at);
  const std::uint64_t until = context.sectionStartNs + at->Long();
  for (std::uint64_t now = MonotonicNs(); now < until; now = MonotonicNs()) {
    if (Halted()) return false;
    const std::uint64_t slice = std::min(until, now + kSleepSliceNs);
    const timespec wake{static_cast<time_t>(slice / 1'000'000'000), static_cast<long>(slice % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
  }
  return true;
}

void EndSection(StreamContext& context) {
  Publish(context, context.next);
  LeaveWindow(context);
}

}  // namespace rmem
