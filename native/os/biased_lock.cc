#include "os/biased_lock.h"

#include <sched.h>

#include "os/process_fence.h"

namespace rmem {

constinit thread_local char threadSelf{};

void BiasedLock::Bias() noexcept {
  if (HasFences()) owner_.store(&threadSelf, std::memory_order_relaxed);
}

void BiasedLock::AcquireShared() noexcept {
  lock_.Acquire();
  if (owner_.load(std::memory_order_relaxed) == nullptr) return;
  revoked_.store(true, std::memory_order_relaxed);
  owner_.store(nullptr, std::memory_order_relaxed);
  FenceOtherThreads();
  // Either the owner has seen that it is the owner no more, or it is seen inside.
  while (inside_.load(std::memory_order_acquire)) ::sched_yield();
}

}  // namespace rmem
