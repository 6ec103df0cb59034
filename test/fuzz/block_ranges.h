#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>

#include "alloc/block_model.h"

namespace rmem::fuzzing {

inline void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "the model disagrees: %s\n", what);
  std::abort();
}

/** The ranges of all live blocks, which never overlap. */
class BlockRanges {
 public:
  void Add(const void* p, std::size_t bytes) {
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    const std::uintptr_t end = start + (bytes == 0 ? 1 : bytes);
    const auto next = ends_.lower_bound(start);
    Require(next == ends_.end() || next->first >= end, "a block overlaps the next one");
    Require(next == ends_.begin() || std::prev(next)->second <= start, "a block overlaps the one before");
    ends_.emplace_hint(next, start, end);
    bytes_ += end - start;
  }
  void Remove(const void* p) {
    const auto range = ends_.find(reinterpret_cast<std::uintptr_t>(p));
    Require(range != ends_.end(), "an unknown block");
    bytes_ -= range->second - range->first;
    ends_.erase(range);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::map<std::uintptr_t, std::uintptr_t> ends_;  // by start
  std::size_t bytes_ = 0;
};

}  // namespace rmem::fuzzing
