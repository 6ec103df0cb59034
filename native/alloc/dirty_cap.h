#pragma once

#include <algorithm>
#include <cstdint>

namespace rmem {

/**
 * How many dirty pages are kept for reuse. It learns from what it costs: where half of what purges gave back
 * is handed out again soon after, the cap is doubled, or made as large as that was; where hardly any of it
 * is, it is halved, down to a quarter of what it was at first, the later the oftener that was wrong. A
 * program that frees and allocates the same memory in turn comes to keep it, and one that shrinks does not
 * pay for that with resident memory.
 */
class DirtyCap {
 public:
  void Init(std::uint64_t pages, std::uint64_t maxPages) noexcept {
    pages_ = pages;
    minPages_ = pages / 4;
    maxPages_ = std::max(pages, maxPages);
  }
  std::uint64_t pages() const noexcept { return pages_; }

  /** So many pages were handed out that had been given back before, at this allocation of all. */
  void Missed(std::uint64_t pages, std::uint64_t allocations) noexcept {
    if (allocations - purgedAt_ < kSoonAllocations) missed_ += pages;
  }

  /** A purge because of the cap begins, of so many pages, after so many allocations in all. */
  void Purging(std::uint64_t pages, std::uint64_t allocations) noexcept {
    // Of purges with nothing allocated in between, only together can anything be said; that they are missed
    // is seen at once.
    if (purged_ != 0 && (allocations - judgedAt_ >= kEnoughAllocations || missed_ * 2 >= purged_)) {
      Judge();
      purged_ = missed_ = 0;
      judgedAt_ = allocations;
    }
    purged_ += pages;
    purgedAt_ = allocations;
  }

 private:
  static constexpr std::uint64_t kSoonAllocations = 2048;
  static constexpr std::uint64_t kEnoughAllocations = 128;
  static constexpr std::uint32_t kMaxPatience = 256;

  void Judge() noexcept {
    if (missed_ * 2 >= purged_) {
      pages_ = std::min(std::max(pages_ * 2, missed_), maxPages_);
      patience_ = std::min(patience_ * 2, kMaxPatience);
      calm_ = 0;
    } else if (missed_ * 8 < purged_ && ++calm_ >= patience_) {
      pages_ = std::max(pages_ / 2, minPages_);
      calm_ = 0;
    }
  }

  std::uint64_t pages_ = 0;
  std::uint64_t minPages_ = 0;
  std::uint64_t maxPages_ = 0;
  std::uint64_t purged_ = 0;    // since the last judgement
  std::uint64_t purgedAt_ = 0;  // the last of them
  std::uint64_t judgedAt_ = 0;  // both in allocations
  std::uint64_t missed_ = 0;
  std::uint32_t calm_ = 0;      // judgements in a row that nothing was missed
  std::uint32_t patience_ = 1;  // so many of them until the cap is halved
};

}  // namespace rmem
