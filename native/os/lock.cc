#include "os/lock.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace rmem {
namespace {

// A section under a Lock is a few hundred nanoseconds: worth waiting for awake, if its holder is running.
constexpr int kSpins = 100;

void Pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

long Futex(std::atomic<std::uint32_t>* word, int operation, std::uint32_t value) noexcept {
  return ::syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

void Lock::AcquireSlow() noexcept {
  const int savedErrno = errno;  // callers may be inside malloc, which must leave errno alone
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      return;
    }
    Pause();
  }
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree)
    Futex(&state_, FUTEX_WAIT, kContended);
  errno = savedErrno;
}

void Lock::WakeOne() noexcept {
  const int savedErrno = errno;
  Futex(&state_, FUTEX_WAKE, 1);
  errno = savedErrno;
}

void SpinLock::AcquireSlow() noexcept {
  do {
    for (int spin = 0; held_.load(std::memory_order_relaxed); ++spin) {
      if (spin < kSpins) {
        Pause();
      } else {
        ::sched_yield();
      }
    }
  } while (held_.exchange(true, std::memory_order_acquire));
}

}  // namespace rmem
