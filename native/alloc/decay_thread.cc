#include "alloc/decay_thread.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace rmem {
namespace {

long Futex(std::atomic<std::uint32_t>* word, int operation, std::uint32_t value,
           const timespec* timeout) noexcept {
  return ::syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0);
}

}  // namespace

bool DecayThread::running() const noexcept {
  return process_ != 0 && process_ == ::getpid();
}

bool DecayThread::Start(std::uint64_t periodMs, Function function, void* context) noexcept {
  if (running()) return true;
  periodMs_ = periodMs;
  function_ = function;
  context_ = context;
  stop_.store(0, std::memory_order_relaxed);
  // Signals are for the threads of the program.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool started = ::pthread_create(&thread_, nullptr, &Run, this) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  process_ = started ? ::getpid() : 0;
  return started;
}

void DecayThread::Stop() noexcept {
  if (running()) {
    stop_.store(1, std::memory_order_release);
    Futex(&stop_, FUTEX_WAKE, 1, nullptr);
    ::pthread_join(thread_, nullptr);
  }
  process_ = 0;
}

void* DecayThread::Run(void* argument) {
  auto& self = *static_cast<DecayThread*>(argument);
  const timespec period{static_cast<time_t>(self.periodMs_ / 1000),
                        static_cast<long>(self.periodMs_ % 1000) * 1'000'000};
  while (self.stop_.load(std::memory_order_acquire) == 0) {
    Futex(&self.stop_, FUTEX_WAIT, 0, &period);
    if (self.stop_.load(std::memory_order_acquire) == 0) self.function_(self.context_);
  }
  return nullptr;
}

}  // namespace rmem
