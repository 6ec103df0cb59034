#include "replay/turn.h"

#include <unistd.h>

#include "replay/futex.h"

namespace rmem {
namespace {

// Long enough for a short run on another CPU; a sleep and a wake-up cost more than this.
constexpr int kTurnSpins = 200;

int Spins() {
  static const int spins = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? kTurnSpins : 0;
  return spins;
}

}  // namespace

void Turn::Give() {
  if (state_.exchange(kGiven) == kSleeping) FutexWake(state_, 1);
}

bool Turn::TakeIfGiven() {
  if (state_.load(std::memory_order_acquire) != kGiven) return false;
  state_.store(kAbsent, std::memory_order_relaxed);
  return true;
}

bool Turn::Take(std::uint64_t timeoutNs) {
  for (int i = Spins(); i > 0; --i) {
    if (TakeIfGiven()) return true;
    SpinPause();
  }
  std::uint32_t expected = kAbsent;
  if (!state_.compare_exchange_strong(expected, kSleeping)) return TakeIfGiven();
  FutexWait(state_, kSleeping, timeoutNs);
  expected = kSleeping;
  if (state_.compare_exchange_strong(expected, kAbsent)) return false;
  return TakeIfGiven();
}

}  // namespace rmem
