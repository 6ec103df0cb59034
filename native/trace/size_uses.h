#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "trace/trace_analysis.h"

namespace rmem {

/**
 * Counts each size exactly: births, blocks alive now, and blocks alive at the last peak. Sizes up to
 * kSmallSize lie in a table, of which memory is taken where it is touched; larger ones in a map with room for
 * 65,536 different ones.
 */
class SizeUses {
 public:
  static constexpr std::uint64_t kSmallSize = 32 << 10;

  void Born(std::uint64_t size) {
    Entry* entry = At(size);
    if (entry == nullptr) return;
    ++entry->births;
    ++entry->live;
    Change(*entry, 1);
  }
  void Died(std::uint64_t size) {
    Entry* entry = size <= kSmallSize ? &small_[size] : Large(size);
    // One that was born when the map was full may die under a size that is counted: at most all of them.
    if (entry == nullptr || entry->live == 0) return;
    --entry->live;
    Change(*entry, -1);
  }
  /** What is alive now is the peak so far. */
  void Peak() { ++peaks_; }

  bool exact() const { return exact_; }
  std::vector<SizeCount> Top(std::size_t count) const;
  /** All that were counted, ascending. */
  std::vector<SizeUse> All() const;

 private:
  // `change`: births less deaths since peak number `peak`; 0 where another peak came since.
  struct Entry {
    std::uint64_t births = 0;
    std::uint64_t live = 0;
    std::int64_t change = 0;
    std::uint64_t peak = 0;
  };

  static constexpr std::size_t kLargeSizes = 1 << 16;

  Entry* At(std::uint64_t size) {
    if (size <= kSmallSize) return &small_[size];
    if (Entry* found = Large(size)) return found;
    if (large_.size() >= kLargeSizes) {
      exact_ = false;
      return nullptr;
    }
    return &large_[size];
  }
  Entry* Large(std::uint64_t size) {
    const auto found = large_.find(size);
    return found == large_.end() ? nullptr : &found->second;
  }
  void Change(Entry& entry, std::int64_t by) {
    if (entry.peak != peaks_) {
      entry.peak = peaks_;
      entry.change = 0;
    }
    entry.change += by;
  }
  SizeUse Use(std::uint64_t size, const Entry& entry) const;

  std::vector<Entry> small_ = std::vector<Entry>(kSmallSize + 1);
  std::unordered_map<std::uint64_t, Entry> large_;
  std::uint64_t peaks_ = 0;
  bool exact_ = true;
};

}  // namespace rmem
