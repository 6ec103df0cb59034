#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rmem {

/** A phase of one thread: the positions of its first birth and its last death, and what it holds. */
struct PhaseSpan {
  std::uint64_t first = 0, last = 0;  // block events of the thread, from 1
  std::uint64_t blocks = 0, bytes = 0;
  std::uint64_t firstBirth = 0, lastBirth = 0;  // ordinals of births on the thread: survivors are among them

  std::uint64_t births() const { return lastBirth - firstBirth + 1; }
  std::uint64_t events() const { return last - first + 1; }
};

/**
 * The connected parts of the lives of one thread's blocks, of which only lives of at most `longest` block
 * events are given: between two spans no such block is alive. Blocks come in the order of their deaths, so a
 * new one can only join spans at the end, and what ended more than `longest` before now is complete. Memory:
 * at most longest / 2 spans, each of at least a birth and a death.
 */
class PhaseSpans {
 public:
  /** The life of blocks from `span.first` to `span.last`, which is now. */
  void Add(PhaseSpan span) {
    while (spans_.size() > complete_ && spans_.back().last >= span.first) {
      const PhaseSpan& before = spans_.back();
      span.first = std::min(span.first, before.first);
      span.blocks += before.blocks;
      span.bytes += before.bytes;
      span.firstBirth = std::min(span.firstBirth, before.firstBirth);
      spans_.pop_back();
    }
    spans_.push_back(span);
  }

  /** True where Retire would find one. */
  bool HasEndedBefore(std::uint64_t position) const {
    return complete_ < spans_.size() && spans_[complete_].last < position;
  }

  /** Calls f(span) for each span that ended before `position`, oldest first, and forgets them. */
  template <class F>
  void Retire(std::uint64_t position, F&& f) {
    while (HasEndedBefore(position)) f(spans_[complete_++]);
    if (complete_ * 2 >= spans_.size() && complete_ >= kCompactAt) {
      spans_.erase(spans_.begin(), spans_.begin() + static_cast<std::ptrdiff_t>(complete_));
      complete_ = 0;
    }
  }

 private:
  static constexpr std::size_t kCompactAt = 32;

  std::vector<PhaseSpan> spans_;
  std::size_t complete_ = 0;  // of these, handed on
};

}  // namespace rmem
