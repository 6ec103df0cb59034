#pragma once

#include <atomic>
#include <cstdint>

namespace rmem {

/** A thread's place to wait for the baton. */
class alignas(64) Turn {
 public:
  /** By who has the baton, to the one thread that waits here. */
  void Give();
  /** Spins briefly, then sleeps. False: nothing came in `timeoutNs`. */
  bool Take(std::uint64_t timeoutNs);

 private:
  enum State : std::uint32_t { kAbsent, kGiven, kSleeping };
  bool TakeIfGiven();
  std::atomic<std::uint32_t> state_{kAbsent};
};

}  // namespace rmem
