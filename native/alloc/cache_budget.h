#pragma once

#include <atomic>
#include <cstddef>

namespace rmem {

/**
 * What all caches of a heap may hold together. Magazines and the chunks that arenas keep take from it, and do
 * without where nothing is left; dirty pages may be what is left over, so that they give way first: pages
 * that a program frees are most of what a cache could hold, and least likely to be wanted at once.
 */
class CacheBudget {
 public:
  void Init(std::size_t bytes) noexcept {
    bytes_ = bytes;
    taken_.store(0, std::memory_order_relaxed);
  }

  std::size_t left() const noexcept {
    const std::size_t taken = taken_.load(std::memory_order_relaxed);
    return taken < bytes_ ? bytes_ - taken : 0;
  }
  std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  /** Also beyond the end, for what a cache can't do without. */
  void Take(std::size_t bytes) noexcept { taken_.fetch_add(bytes, std::memory_order_relaxed); }
  /** False, and nothing taken, where less is left. Of callers at the same time some may take too much. */
  bool TryTake(std::size_t bytes) noexcept {
    if (bytes > left()) return false;
    Take(bytes);
    return true;
  }
  void GiveBack(std::size_t bytes) noexcept { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::size_t bytes_ = 0;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace rmem
