#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trace/analysed_block.h"
#include "trace/trace_analysis.h"

namespace rmem {

/**
 * Counts the order in which blocks come and go: runs, stack order, and how soon a size is asked for again.
 * Memory: 8 bytes a live block, and up to as many again; a table of recent deaths by size.
 */
class BurstCounts {
 public:
  BurstCounts(const AnalysedBlocks& live, BurstShape& shape) : live_(live), shape_(shape) {}

  /** Behind its insertion into the live blocks. */
  void Born(std::uint64_t id, std::uint32_t thread, std::uint64_t size, std::uint64_t event, bool moved) {
    OneThread& at = Thread(thread);
    if (!moved) Run(at, 1);
    ++at.alive;
    at.newest.push_back(id);
    at.topAlive = id;
    if (at.newest.size() > 2 * at.alive + kSlack) Sweep(at);
    if (size > kLargestReused) return;
    Deaths& deaths = deaths_[size];
    if (deaths.count == 0) {
      ++shape_.freshBirths;
      return;
    }
    --deaths.count;
    deaths.next = (deaths.next + kDeathsKept - 1) % kDeathsKept;
    shape_.reuseEvents.Add(event - deaths.events[deaths.next]);
  }

  /** An explicit free by `thread`, behind its removal from the live blocks. */
  void Freed(std::uint64_t id, std::uint32_t home, std::uint32_t thread) {
    OneThread& at = Thread(thread);
    Run(at, -1);
    ++shape_.frees;
    if (home == thread && IsNewest(at, id)) ++shape_.lifoFrees;
  }

  /** Any death, before Freed; `id` 0 where the caller does not know it. */
  void Died(std::uint64_t id, std::uint32_t home, std::uint64_t size, std::uint64_t event) {
    OneThread& at = Thread(home);
    --at.alive;
    if (id == at.topAlive || id == 0) at.topAlive = 0;
    if (size > kLargestReused) return;
    Deaths& deaths = deaths_[size];
    deaths.events[deaths.next] = event;
    deaths.next = (deaths.next + 1) % kDeathsKept;
    if (deaths.count < kDeathsKept) ++deaths.count;
  }

  void Finish();

 private:
  static constexpr std::uint64_t kLargestReused = 32 << 10;
  static constexpr std::uint32_t kDeathsKept = 7;  // a line of the cache with the two counters
  static constexpr std::size_t kSlack = 64;

  /** The last deaths of a size that no birth has taken the place of: a ring, used as a stack. */
  struct Deaths {
    std::uint32_t count = 0, next = 0;
    std::uint64_t events[kDeathsKept] = {};
  };

  struct OneThread {
    std::int64_t run = 0;               // allocations, or less than 0: frees
    std::size_t alive = 0;              // born here
    std::vector<std::uint64_t> newest;  // born here, oldest first; dead ones among them
    std::uint64_t topAlive = 0;         // the last of `newest`, where it is known to be alive
  };

  OneThread& Thread(std::uint32_t index) {
    if (index >= threads_.size()) threads_.resize(std::size_t{index} + 1);
    return threads_[index];
  }

  void Run(OneThread& thread, int direction) {
    if ((thread.run > 0) != (direction > 0)) EndRun(thread);
    thread.run += direction;
  }
  void EndRun(OneThread& thread);

  bool IsNewest(OneThread& thread, std::uint64_t id) {
    std::vector<std::uint64_t>& newest = thread.newest;
    if (thread.topAlive != 0) return false;  // another one than `id`, which is dead
    while (!newest.empty() && newest.back() != id && live_.Find(newest.back()) == nullptr) newest.pop_back();
    if (newest.empty()) return false;
    if (newest.back() != id) {
      thread.topAlive = newest.back();
      return false;
    }
    newest.pop_back();
    return true;
  }
  void Sweep(OneThread& thread);

  const AnalysedBlocks& live_;
  BurstShape& shape_;
  std::vector<OneThread> threads_;
  std::vector<Deaths> deaths_ = std::vector<Deaths>(kLargestReused + 1);
};

}  // namespace rmem
