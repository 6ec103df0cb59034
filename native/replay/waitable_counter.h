#pragma once

#include <atomic>
#include <cstdint>

#include "replay/futex.h"
#include "replay/halt.h"

namespace rmem {

/**
 * A count that only grows and that threads wait for. The side that counts pays one store and one load of its
 * own cache line: no fence, no lock. Who waits pays instead, and only before it sleeps (FenceOtherThreads).
 *
 * Why no wake-up is lost: a waiter lowers wakeAt_, fences all threads, and looks once more at the value. So
 * either it sees the new value, or the counting thread, whose store of the value came later, sees wakeAt_.
 */
class WaitableCounter {
 public:
  std::uint64_t value() const { return value_.load(std::memory_order_acquire); }

  /** By the one thread that counts. What it did before is visible to whom it lets pass. */
  void Set(std::uint64_t value) {
    value_.store(value, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (value >= wakeAt_.load(std::memory_order_relaxed)) [[unlikely]]
      WakeAll();
  }

  /** Returns at once when the count is there; otherwise spins briefly, then sleeps. False: the replay was
   * halted. */
  bool WaitFor(std::uint64_t target) {
    if (value() >= target) return true;
    return WaitLong(target);
  }

  /** Between passes, when nobody counts or waits. */
  void Reset() {
    value_.store(0, std::memory_order_relaxed);
    wakeAt_.store(kNobody, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kNobody = ~std::uint64_t{0};
  bool WaitLong(std::uint64_t target);
  void WakeAll();

  std::atomic<std::uint64_t> value_{0};
  std::atomic<std::uint64_t> wakeAt_{
      kNobody};  // the lowest count a sleeper waits for; Reset before use in zeroed memory
  std::atomic<std::uint32_t> sequence_{0};  // what sleepers sleep on
};

}  // namespace rmem
