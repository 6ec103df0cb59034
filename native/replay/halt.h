#pragma once

#include <atomic>
#include <cstdint>

namespace rmem {

/**
 * The one flag that ends a replay early. Signals raise it, so does a closed standard output and the first
 * failure; every loop looks at it between batches and every wait between its sleeps.
 */
enum class Halt : std::uint32_t { kNo, kStopped, kFailed };

inline std::atomic<Halt> replayHalt{Halt::kNo};

inline bool Halted() {
  return replayHalt.load(std::memory_order_relaxed) != Halt::kNo;
}

/** The first reason stays. Safe in a signal handler. */
inline void RaiseHalt(Halt reason) {
  Halt none = Halt::kNo;
  replayHalt.compare_exchange_strong(none, reason);
}

/** SIGINT, SIGTERM and SIGHUP raise kStopped; SIGPIPE is ignored, since writing tells. */
void InstallStopSignals();

/** The kernel kills this process when its parent dies. */
void DieWithParent();

}  // namespace rmem
