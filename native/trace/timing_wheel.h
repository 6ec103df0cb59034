#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rmem {

/**
 * What is due at a time, for times that only grow: a hierarchical timing wheel (Varghese and Lauck 1987) of
 * levels of 64 slots. Adding is O(1), and an entry moves at most once a level before it is due, so that ages
 * of microseconds and of hours cost about the same. Times are ticks of 2^10 ns; nothing comes early.
 */
template <class T>
class TimingWheel {
 public:
  void Add(std::uint64_t dueNs, const T& value) { Put({(dueNs >> kTickBits) + 1, value}); }

  /** Calls fire(value) for all that is due at `nowNs`; what fire adds is due later. */
  template <class F>
  void Advance(std::uint64_t nowNs, F&& fire) {
    const std::uint64_t now = nowNs >> kTickBits;
    if (now <= elapsed_) return;
    for (;;) {
      std::uint64_t start = 0;
      const std::size_t level = NextSlot(&start);
      if (level == 0 || start > now) break;
      elapsed_ = start;
      const std::size_t slot = start >> ((level - 1) * kSlotBits) & kSlotMask;
      occupied_[level - 1] &= ~(std::uint64_t{1} << slot);
      std::swap(moving_, slots_[level - 1][slot]);
      for (const Entry& entry : moving_) {
        --size_;
        if (entry.due <= now) {
          fire(entry.value);
        } else {
          Put(entry);
        }
      }
      moving_.clear();
    }
    elapsed_ = now;
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr int kTickBits = 10;
  static constexpr int kSlotBits = 6;
  static constexpr std::uint64_t kSlotMask = 63;
  static constexpr std::size_t kLevels = 9;  // 2^54 ticks, longer than any clock here

  struct Entry {
    std::uint64_t due;
    T value;
  };

  void Put(Entry entry) {
    if (entry.due <= elapsed_) entry.due = elapsed_ + 1;
    if (entry.due >> (kLevels * kSlotBits) != 0) entry.due = (std::uint64_t{1} << (kLevels * kSlotBits)) - 1;
    const auto highest = static_cast<std::size_t>(std::bit_width((elapsed_ ^ entry.due) | kSlotMask) - 1);
    const std::size_t level = highest / kSlotBits;
    const std::size_t slot = entry.due >> (level * kSlotBits) & kSlotMask;
    slots_[level][slot].push_back(entry);
    occupied_[level] |= std::uint64_t{1} << slot;
    ++size_;
  }

  /** The level (from 1) of the occupied slot that begins first, and when; 0 where all are empty. */
  std::size_t NextSlot(std::uint64_t* start) const {
    for (std::size_t level = 0; level < kLevels; ++level) {
      if (occupied_[level] == 0) continue;
      // Slots of a level lie ahead of its hand: what is behind would be on a higher level.
      const auto slot = static_cast<std::uint64_t>(std::countr_zero(occupied_[level]));
      const int shift = static_cast<int>(level) * kSlotBits;
      const std::uint64_t around = elapsed_ >> shift >> kSlotBits << kSlotBits;
      *start = (around | slot) << shift;
      return level + 1;
    }
    return 0;
  }

  std::uint64_t elapsed_ = 0;
  std::size_t size_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<std::array<std::vector<Entry>, 64>, kLevels> slots_;
  std::vector<Entry> moving_;
};

}  // namespace rmem
