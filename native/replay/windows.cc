#include "replay/windows.h"

#include <climits>

#include "replay/futex.h"
#include "replay/halt.h"

namespace rmem {
namespace {

constexpr std::uint32_t kNear = 4;

}  // namespace

Windows::Windows(std::span<const std::uint32_t> streams)
    : streams_(streams), gates_(streams.size(), "the windows of the plan") {
  Reset();
}

void Windows::Reset() {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    gates_[i].remaining.store(streams_[i], std::memory_order_relaxed);
    gates_[i].state.store(i < 2 ? kOpen : kShut, std::memory_order_relaxed);
  }
  completed_.store(0);
  Advance([](std::uint32_t) {});
}

bool Windows::WaitLong(std::uint32_t window) {
  // Who waits for a window far ahead sleeps at once: its CPU is for those that the window waits for.
  if (window <= completed_.load(std::memory_order_relaxed) + kNear) {
    for (Patience patience; patience.Once();) {
      if (IsOpen(window)) return true;
    }
  }
  std::atomic<std::uint32_t>& state = gates_[window].state;
  while (!Halted()) {
    std::uint32_t seen = kShut;
    state.compare_exchange_strong(seen, kShutWithSleepers);
    if (seen == kOpen) return true;
    FutexWait(state, kShutWithSleepers, kSleepSliceNs);
    if (IsOpen(window)) return true;
  }
  return false;
}

void Windows::Open(std::uint32_t window) {
  if (gates_[window].state.exchange(kOpen) == kShutWithSleepers) FutexWake(gates_[window].state, INT_MAX);
}

}  // namespace rmem
