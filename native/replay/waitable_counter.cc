#include "replay/waitable_counter.h"

#include <climits>

#include "os/process_fence.h"

namespace rmem {
namespace {

// Without fences a wake-up can be lost.
constexpr std::uint64_t kSliceWithoutFencesNs = 1'000'000;

}  // namespace

bool WaitableCounter::WaitLong(std::uint64_t target) {
  for (Patience patience; patience.Once();) {
    if (value() >= target) return true;
  }
  const std::uint64_t slice = HasFences() ? kSleepSliceNs : kSliceWithoutFencesNs;
  while (!Halted()) {
    const std::uint32_t sequence = sequence_.load();
    std::uint64_t wakeAt = wakeAt_.load();
    while (target < wakeAt && !wakeAt_.compare_exchange_weak(wakeAt, target)) {
    }
    FenceOtherThreads();
    if (value() >= target) return true;
    FutexWait(sequence_, sequence, slice);
    if (value() >= target) return true;
  }
  return false;
}

void WaitableCounter::WakeAll() {
  // First nobody, then the sequence: who registers in between finds that the sequence has moved and looks
  // again.
  wakeAt_.store(kNobody);
  sequence_.fetch_add(1);
  FutexWake(sequence_, INT_MAX);
}

}  // namespace rmem
