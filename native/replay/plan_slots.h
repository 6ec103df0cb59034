#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace rmem {

/**
 * Hands out dense slot numbers and takes them back, so that the table of a replay is hardly larger than what
 * is alive at once.
 *
 * A stream gets back first what it freed itself, last in first out: program order alone makes that safe, and
 * the entry is warm. What a stream frees and does not use again goes to a pool for all; from there a slot is
 * only taken once its window is two behind, when every stream is known to be past the free. So reuse never
 * needs a wait.
 */
class SlotPool {
 public:
  std::uint32_t Take(std::uint32_t stream, std::uint32_t window) {
    if (stream < own_.size() && !own_[stream].empty()) {
      const std::uint32_t slot = own_[stream].back();
      own_[stream].pop_back();
      return slot;
    }
    if (!shared_.empty() && shared_.front().window + 2 <= window) {
      const std::uint32_t slot = shared_.front().slot;
      shared_.pop_front();
      return slot;
    }
    return count_++;
  }

  void Give(std::uint32_t stream, std::uint32_t window, std::uint32_t slot, bool manyStreams) {
    if (stream >= own_.size()) own_.resize(stream + 1);
    std::vector<std::uint32_t>& own = own_[stream];
    own.push_back(slot);
    if (!manyStreams || own.size() < kOwnSlots) return;
    // The older half; they were freed in this window or before it.
    for (std::size_t i = 0; i < kOwnSlots / 2; ++i) shared_.push_back({own[i], window});
    own.erase(own.begin(), own.begin() + kOwnSlots / 2);
  }

  /** Slots ever in use: the size of the table. */
  std::uint32_t count() const { return count_; }

 private:
  static constexpr std::size_t kOwnSlots = 128;
  struct Shared {
    std::uint32_t slot;
    std::uint32_t window;
  };
  std::uint32_t count_ = 0;
  std::vector<std::vector<std::uint32_t>> own_;
  std::deque<Shared> shared_;
};

}  // namespace rmem
