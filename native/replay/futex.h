#pragma once

#include <atomic>
#include <cstdint>

namespace rmem {

/** Sleeps while `word` is `expected`, until woken or `timeoutNs` later. May return early. */
void FutexWait(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::uint64_t timeoutNs);
void FutexWake(std::atomic<std::uint32_t>& word, int threads);

/** Tells the CPU that this is a spin loop. */
inline void SpinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/**
 * What a wait does before it sleeps: `while (!there) if (!patience.Once()) sleep;`. First it spins, a
 * microsecond or two, for what is about to come from another CPU. Then it yields for a while: there may be
 * more threads than CPUs, and to hand the CPU to one that can go on costs a tenth of putting this one to
 * sleep and waking it again.
 */
class Patience {
 public:
  /** False: enough of it. */
  bool Once();

 private:
  int spins_ = 0;
  std::uint64_t yieldUntilNs_ = 0;
};

/** Longest sleep of any wait: how late it may notice a halt. */
inline constexpr std::uint64_t kSleepSliceNs = 100'000'000;

}  // namespace rmem
