#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "replay/shared_array.h"

namespace rmem {

/**
 * The windows of the total order in free order: a stream may enter window w when every stream has left the
 * windows up to w - 2.
 *
 * Each window has a gate of its own to sleep at. Streams may wait at many windows at once, hundreds of them,
 * and when a window is complete only those must wake that can go on.
 */
class Windows {
 public:
  /** `streams[w]`: how many streams have work in window w. Kept by reference. */
  explicit Windows(std::span<const std::uint32_t> streams);

  /**
   * One stream has left `window`. Calls `onComplete(w)` for each window that is complete now, all before it
   * being so; once each, and before anybody enters w + 2.
   */
  template <class OnComplete>
  void Leave(std::uint32_t window, OnComplete&& onComplete) {
    if (gates_[window].remaining.fetch_sub(1) != 1) return;
    Advance(onComplete);
  }

  /** Spins briefly, then sleeps. False: the replay was halted. */
  bool WaitToEnter(std::uint32_t window) { return IsOpen(window) || WaitLong(window); }

  /** Before each pass. */
  void Reset();

 private:
  enum State : std::uint32_t { kShut, kShutWithSleepers, kOpen };
  struct Gate {
    std::atomic<std::uint32_t> remaining;  // streams that have not left the window
    std::atomic<std::uint32_t> state;
  };

  template <class OnComplete>
  void Advance(OnComplete&& onComplete) {
    for (;;) {
      std::uint32_t next = completed_.load();
      if (next >= streams_.size() || gates_[next].remaining.load() != 0) return;
      // Who loses the race leaves the rest to the winner, who looks at every window after this one.
      if (!completed_.compare_exchange_strong(next, next + 1)) continue;
      onComplete(next);
      if (next + 2 < streams_.size()) Open(next + 2);
    }
  }

  bool IsOpen(std::uint32_t window) const {
    return gates_[window].state.load(std::memory_order_acquire) == kOpen;
  }
  bool WaitLong(std::uint32_t window);
  void Open(std::uint32_t window);

  std::span<const std::uint32_t> streams_;
  SharedArray<Gate> gates_;
  alignas(64) std::atomic<std::uint32_t> completed_{0};  // windows complete from the first on
};

}  // namespace rmem
