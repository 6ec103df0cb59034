#pragma once

#include <atomic>
#include <cstdint>

namespace rmem {

/**
 * A mutual exclusion of four bytes, zero when free: one atomic exchange where nobody else is there, a short
 * spin, then a futex (three states after U. Drepper, "Futexes are tricky"). Not recursive.
 */
class Lock {
 public:
  void Acquire() noexcept {
    std::uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed)) [[unlikely]] {
      AcquireSlow();
    }
  }

  void Release() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) [[unlikely]]
      WakeOne();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;  // held, and somebody may sleep

  void AcquireSlow() noexcept;
  void WakeOne() noexcept;

  std::atomic<std::uint32_t> state_{kFree};
};

/**
 * A lock for sections of a few nanoseconds that rarely meet: its release is a plain store, so that a section
 * costs one atomic exchange. Who waits long gives up the CPU instead of sleeping.
 */
class SpinLock {
 public:
  void Acquire() noexcept {
    if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]]
      AcquireSlow();
  }
  void Release() noexcept { held_.store(false, std::memory_order_release); }

 private:
  void AcquireSlow() noexcept;

  std::atomic<bool> held_{false};
};

/** Holds a lock for a scope. */
template <class L>
class LockGuard {
 public:
  explicit LockGuard(L& lock) noexcept : lock_(lock) { lock_.Acquire(); }
  ~LockGuard() { lock_.Release(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  L& lock_;
};

}  // namespace rmem
