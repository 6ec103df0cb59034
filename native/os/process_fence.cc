#include "os/process_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace rmem {
namespace {

std::atomic<bool> fencesRegistered{false};

bool Barrier(int command) noexcept {
  const int savedErrno = errno;
  const bool done = ::syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = savedErrno;
  return done;
}

}  // namespace

bool RegisterFences() noexcept {
  if (fencesRegistered.load(std::memory_order_relaxed)) return true;
  const bool done = Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  if (done) fencesRegistered.store(true, std::memory_order_relaxed);
  return done;
}

bool HasFences() noexcept {
  return fencesRegistered.load(std::memory_order_relaxed);
}

void FenceOtherThreads() noexcept {
  if (!HasFences() || Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
  // A child by fork may have lost what its parent registered.
  Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace rmem
