#pragma once

#include <atomic>

#include "os/lock.h"

namespace rmem {

/** Its address stands for the thread. */
extern constinit thread_local char threadSelf [[gnu::tls_model("initial-exec")]];

/**
 * A SpinLock that costs one thread, its owner, two plain stores in the place of an atomic exchange, until
 * another thread asks for it: that one takes the bias away with a fence on all threads, some microseconds,
 * and from then on it is a SpinLock for both (after D. Dice, M. Moir and W. Scherer, "Quickly Reacquirable
 * Locks", 2003, with membarrier for the owner's fence). Zero: no bias.
 */
class BiasedLock {
 public:
  /** The calling thread becomes the owner. Nobody else may know the lock yet. Does nothing where there is no
   * such fence. */
  void Bias() noexcept;
  /** Another thread than the owner has asked for it. */
  bool Revoked() const noexcept { return revoked_.load(std::memory_order_relaxed); }

  /** Only by bias: false where the calling thread is not the owner. */
  bool Enter() noexcept {
    const void* const self = &threadSelf;
    if (owner_.load(std::memory_order_relaxed) != self) [[unlikely]]
      return false;
    inside_.store(true, std::memory_order_relaxed);
    // The fence of whoever takes the bias away makes these two seen in their order.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (owner_.load(std::memory_order_relaxed) == self) [[likely]]
      return true;
    Leave();
    return false;
  }
  void Leave() noexcept { inside_.store(false, std::memory_order_release); }

  /** Either way; what Release wants to know. */
  bool Acquire() noexcept {
    if (Enter()) [[likely]]
      return true;
    AcquireShared();
    return false;
  }

  /** By the thread that the lock belongs to: takes the bias back where another had asked for it. */
  bool AcquireOwn() noexcept {
    if (Acquire()) [[likely]]
      return true;
    Bias();
    return false;
  }

  void Release(bool biased) noexcept {
    if (biased) [[likely]] {
      Leave();
    } else {
      lock_.Release();
    }
  }

 private:
  void AcquireShared() noexcept;

  std::atomic<const void*> owner_{nullptr};
  std::atomic<bool> inside_{false};
  std::atomic<bool> revoked_{false};
  SpinLock lock_;
};

template <>
class LockGuard<BiasedLock> {
 public:
  explicit LockGuard(BiasedLock& lock) noexcept : lock_(lock), biased_(lock.Acquire()) {}
  ~LockGuard() { lock_.Release(biased_); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  BiasedLock& lock_;
  const bool biased_;
};

/** Holds a lock that belongs to the calling thread for a scope. */
class OwnLockGuard {
 public:
  explicit OwnLockGuard(BiasedLock& lock) noexcept : lock_(lock), biased_(lock.AcquireOwn()) {}
  ~OwnLockGuard() { lock_.Release(biased_); }
  OwnLockGuard(const OwnLockGuard&) = delete;
  OwnLockGuard& operator=(const OwnLockGuard&) = delete;

 private:
  BiasedLock& lock_;
  const bool biased_;
};

}  // namespace rmem
