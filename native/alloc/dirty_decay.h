#pragma once

#include <algorithm>
#include <cstdint>

namespace rmem {

/**
 * Tells how many dirty pages nobody has needed for a time: the fewest that there were at any moment of it, as
 * tcmalloc's low-water mark. Kept for quarters of the time, so that memory is idle for one to one and a
 * quarter of it before it is given back. A program that uses its dirty pages again and again loses none.
 */
class DirtyDecay {
 public:
  /** 0: never. */
  void Init(std::uint64_t decayMs) noexcept {
    quarterMs_ = decayMs == 0 ? 0 : std::max<std::uint64_t>(decayMs / kQuarters, 1);
  }
  bool enabled() const noexcept { return quarterMs_ != 0; }
  std::uint64_t quarterMs() const noexcept { return quarterMs_; }

  /** There are so many dirty pages now, after some were taken. */
  void Note(std::uint64_t pages) noexcept { low_ = std::min(low_, pages); }

  /** How many of the `pages` there are now have been idle for the whole time. */
  std::uint64_t Due(std::uint64_t nowMs, std::uint64_t pages) noexcept {
    Note(pages);
    if (!started_) {
      started_ = true;
      quarterStartMs_ = nowMs;
      low_ = pages;
    }
    const std::uint64_t quarters = nowMs > quarterStartMs_ ? (nowMs - quarterStartMs_) / quarterMs_ : 0;
    if (quarters != 0) {
      for (std::uint64_t i = 0; i < std::min<std::uint64_t>(quarters, kQuarters); ++i)
        lows_[next_++ % kQuarters] = low_;
      quarterStartMs_ += quarters * quarterMs_;
      low_ = pages;
      due_ = *std::min_element(lows_, lows_ + kQuarters);
    }
    return std::min(due_, low_);
  }

  /** So many were purged. */
  void Purged(std::uint64_t pages) noexcept {
    for (std::uint64_t& low : lows_) low -= std::min(low, pages);
    low_ -= std::min(low_, pages);
    due_ -= std::min(due_, pages);
  }

 private:
  static constexpr std::uint64_t kQuarters = 4;

  std::uint64_t quarterMs_ = 0;
  std::uint64_t quarterStartMs_ = 0;
  std::uint64_t lows_[kQuarters] = {};  // of the last four quarters
  std::uint64_t low_ = 0;               // of this one
  std::uint64_t due_ = 0;
  std::uint32_t next_ = 0;
  bool started_ = false;
};

}  // namespace rmem
