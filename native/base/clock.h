#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace rmem {

/** Nanoseconds of CLOCK_MONOTONIC. */
std::uint64_t MonotonicNs();

/** Milliseconds of CLOCK_MONOTONIC_COARSE: a few ns to read, and as exact as the kernel's tick. */
std::uint64_t MonotonicCoarseMs();

/** CPU time in ns of all threads of this process. */
std::uint64_t ProcessCpuNs();

/** CPU time in ns of the calling thread. */
std::uint64_t ThreadCpuNs();

/**
 * A clock for single operations: the cycle counter where the CPU has one that never stops or changes its
 * rate, CLOCK_MONOTONIC elsewhere. Before() and After() keep the work between them from moving out.
 */
class OperationClock {
 public:
  /** Takes about 5 ms to learn the rate of the counter and its own cost. */
  static OperationClock Calibrate();

  /** One whose rate somebody else has learnt on this machine; its cost is not known. */
  static constexpr OperationClock Known(bool countsCycles, double nsPerTick) {
    OperationClock clock;
    clock.cycles_ = countsCycles;
    clock.nsPerTick_ = nsPerTick;
    return clock;
  }

  /**
   * No later than when the stores that follow can be seen by others, which is all that a death needs to be
   * stamped before a birth; the loads around it may move.
   */
  std::uint64_t Now() const {
#if defined(__x86_64__)
    if (cycles_) [[likely]]
      return __rdtsc();
#endif
    return MonotonicNs();
  }

  std::uint64_t Before() const {
#if defined(__x86_64__)
    if (cycles_) [[likely]] {
      const std::uint64_t now = __rdtsc();
      // Not before the counter was read; costs no more than the counter itself.
      _mm_lfence();
      return now;
    }
#endif
    return MonotonicNs();
  }

  std::uint64_t After() const {
#if defined(__x86_64__)
    if (cycles_) [[likely]] {
      unsigned processor;
      return __rdtscp(&processor);  // waits for what came before it
    }
#endif
    return MonotonicNs();
  }

  double nsPerTick() const {
    return nsPerTick_;
  }
  /** Median of the ns between a Before() and the After() that follows it at once. */
  double costNs() const {
    return costNs_;
  }
  bool countsCycles() const {
    return cycles_;
  }

 private:
  bool cycles_ = false;
  double nsPerTick_ = 1;
  double costNs_ = 0;
};

}  // namespace rmem
