#include "replay/futex.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

namespace rmem {
namespace {

constexpr int kFutexSpins = 100;
constexpr std::uint64_t kYieldNs = 50'000;

}  // namespace

bool Patience::Once() {
  if (spins_ < kFutexSpins) {
    ++spins_;
    SpinPause();
    return true;
  }
  const std::uint64_t nowNs = MonotonicNs();
  if (yieldUntilNs_ == 0) yieldUntilNs_ = nowNs + kYieldNs;
  if (nowNs >= yieldUntilNs_) return false;
  sched_yield();
  return true;
}

void FutexWait(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::uint64_t timeoutNs) {
  const timespec timeout{static_cast<time_t>(timeoutNs / 1'000'000'000),
                         static_cast<long>(timeoutNs % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &timeout, nullptr, 0);
}

void FutexWake(std::atomic<std::uint32_t>& word, int threads) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

}  // namespace rmem
