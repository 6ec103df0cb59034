#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "trace/event.h"

namespace rmem {

/** Block events give a thread its positions: the first alloc, free or realloc on it is at 1. */
constexpr bool IsBlockEvent(EventType type) {
  return type == EventType::kAlloc || type == EventType::kFree || type == EventType::kRealloc;
}

/** First and last positions of the phases of a thread, in ascending order: two variable-length integers each.
 */
class ThreadBoundaries {
 public:
  void Add(std::uint64_t first, std::uint64_t last);
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t at_ = 0;
};

/** The boundaries of all threads, by dense index, as one text of bytes: what one pass hands to the next. */
class PhaseBoundaries {
 public:
  void AddThread(const ThreadBoundaries& thread);
  std::vector<std::byte> Take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/** Reads the phases of one thread, one after the other. */
class BoundaryCursor {
 public:
  explicit BoundaryCursor(std::span<const std::byte> bytes) : left_(bytes) { Next(); }
  /** Of the phase the cursor stands at; 0 when there is none any more. */
  std::uint64_t first() const { return first_; }
  std::uint64_t last() const { return last_; }
  void Next();

 private:
  std::span<const std::byte> left_;
  std::uint64_t first_ = 0, last_ = 0;
};

/** A cursor for each thread. Throws std::invalid_argument for bytes that no PhaseBoundaries made. */
std::vector<BoundaryCursor> ReadBoundaries(std::span<const std::byte> bytes);

}  // namespace rmem
