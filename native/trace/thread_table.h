#pragma once

#include <cstdint>

#include "trace/event_batch.h"
#include "trace/live_blocks.h"

namespace rmem {

/**
 * The dense indices of the threads of a source, whose own numbers may be used again when a thread has ended.
 * Emits the thread start of a thread that appears.
 */
class ThreadTable {
 public:
  explicit ThreadTable(EventBatch& out) : out_(out) {}

  /** The index of the thread that has `number` now. `timeNs` and `position` are those of its first event.
   * Throws TraceError `too-many-threads`. */
  std::uint32_t Index(std::uint64_t number, std::uint64_t timeNs, std::uint64_t position) {
    if (number == lastNumber_ && known_) return lastIndex_;
    return Find(number, timeNs, position);
  }

  /** How many threads there have been. */
  std::uint32_t count() const { return count_; }

  /** The thread ends: emits its end, and whoever has its number next is another. */
  void End(std::uint64_t number, std::uint64_t timeNs, std::uint64_t position);

 private:
  std::uint32_t Find(std::uint64_t number, std::uint64_t timeNs, std::uint64_t position);

  EventBatch& out_;
  LiveBlocks<std::uint32_t, AddressHash> indices_;  // by number + 1
  std::uint32_t count_ = 0;
  std::uint64_t lastNumber_ = 0;
  std::uint32_t lastIndex_ = 0;
  bool known_ = false;
};

}  // namespace rmem
