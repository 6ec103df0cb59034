#include "base/clock.h"

#include <time.h>

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rmem {
namespace {

std::uint64_t Read(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

bool CycleCounterIsSteady() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  // Invariant TSC: leaf 80000007h, EDX bit 8. RDTSCP: leaf 80000001h, EDX bit 27.
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & (1u << 8)) == 0) return false;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (d & (1u << 27)) != 0;
#else
  return false;
#endif
}

}  // namespace

std::uint64_t MonotonicNs() {
  return Read(CLOCK_MONOTONIC);
}

std::uint64_t MonotonicCoarseMs() {
  return Read(CLOCK_MONOTONIC_COARSE) / 1'000'000;
}

std::uint64_t ProcessCpuNs() {
  return Read(CLOCK_PROCESS_CPUTIME_ID);
}

std::uint64_t ThreadCpuNs() {
  return Read(CLOCK_THREAD_CPUTIME_ID);
}

OperationClock OperationClock::Calibrate() {
  OperationClock clock;
  clock.cycles_ = CycleCounterIsSteady();
  if (clock.cycles_) {
    // Each end is the tightest of several readings, so that an interruption does not bend the rate.
    struct Reading {
      std::uint64_t ns = 0, ticks = 0, width = ~std::uint64_t{0};
    };
    const auto read = [&clock] {
      Reading best;
      for (int i = 0; i < 16; ++i) {
        const std::uint64_t before = clock.Before();
        const std::uint64_t ns = MonotonicNs();
        const std::uint64_t after = clock.After();
        if (after - before < best.width) best = {ns, before + (after - before) / 2, after - before};
      }
      return best;
    };
    const Reading start = read();
    while (MonotonicNs() - start.ns < 5'000'000) {
    }
    const Reading end = read();
    clock.nsPerTick_ = static_cast<double>(end.ns - start.ns) / static_cast<double>(end.ticks - start.ticks);
  }

  std::uint64_t costs[1001];
  for (std::uint64_t& cost : costs) {
    const std::uint64_t before = clock.Before();
    cost = clock.After() - before;
  }
  std::nth_element(costs, costs + 500, costs + 1001);
  clock.costNs_ = static_cast<double>(costs[500]) * clock.nsPerTick_;
  return clock;
}

}  // namespace rmem
