#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/heap_config.h"
#include "alloc/lazy_table.h"
#include "alloc/page_heap.h"
#include "alloc/slab.h"
#include "os/lock.h"

namespace rmem {

struct HardenedStats {
  std::uint64_t guardedAllocations;  // with pages of their own and an inaccessible one behind them
  std::uint64_t guardsRefused;       // that should have been, but the system refused the guard
  std::uint64_t checkedFrees;
  std::uint64_t quarantinedBlocks, quarantinedBytes;  // now; poisoned
  std::uint64_t quarantinedRuns;                      // now; inaccessible
};

/**
 * What a heap in hardened mode asks instead of its slabs and large objects, and finds faults of the program:
 * a block freed twice, a pointer freed that is none or leads into a block, a size told that was not asked
 * for, bytes written behind a block or after its free. Each stops the program with one line that names it.
 *
 * No thread has a magazine: blocks come from the depots of the slabs one at a time. Behind what was asked for
 * lies a canary, looked at when the block is freed. A freed block is poisoned and waits in a quarantine,
 * first in, first out; the poison is looked at as it leaves. Every so many-th block, and what no class
 * serves, is a run: it has pages of its own that end with an inaccessible one, in front of which it lies; a
 * freed one stays inaccessible as a whole while it is in its quarantine.
 *
 * What is known of a block lies out of its reach: a cell of four bytes for each 16 bytes of the heap.
 */
class HardenedAllocator {
 public:
  /** False when there is no address space. */
  bool Init(SlabAllocator* slabs, PageHeap* pages, const HardenedConfig& config) noexcept;
  void Destroy() noexcept;
  bool enabled() const noexcept { return slabs_ != nullptr; }

  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  void Free(void* p) noexcept;
  /** Stops the program too where the block was not asked for with just that size. */
  void Free(void* p, std::size_t size) noexcept;
  /** Always another block, so that nobody goes on using the old one unnoticed. */
  void* Reallocate(void* p, std::size_t newSize, std::size_t alignment) noexcept;
  void* Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment) noexcept;
  /** The size asked for: what lies behind it is the canary's. */
  std::size_t UsableBytes(const void* p) noexcept;

  /** Looks at, and empties, the quarantines. */
  void Purge() noexcept;
  /** Looks at the poison of what is in the quarantine. */
  void CheckQuarantine() noexcept;
  /** For a signal handler: writes the line of a fault at this address, if it is one that a guard caught. */
  bool Explain(const void* address) noexcept;

  HardenedStats Stats() noexcept;
  void LockAll() noexcept { lock_.Acquire(); }
  void UnlockAll() noexcept { lock_.Release(); }

 private:
  using Cell = std::atomic<std::uint32_t>;

  /** A block's place: that of a class, or a run. */
  struct Place {
    char* block;
    std::size_t bytes;   // up to the next block, or the guard
    unsigned index;      // its class; kNoClass: a run
    std::uint32_t cell;  // what its cell said
    std::size_t size() const noexcept;
  };

  /** First in, first out; the front of an array, which moves down when half of it is gone. Who pushes keeps
   * to the maxima. */
  struct Queue {
    LazyTable<char*> array;
    std::size_t first = 0, count = 0, maxCount = 0;
    std::size_t bytes = 0, maxBytes = 0;

    bool Init(std::size_t room, std::size_t mostBlocks, std::size_t mostBytes) noexcept;
    void Push(char* p, std::size_t itsBytes) noexcept;
    char* Pop() noexcept;
    bool IsFull() const noexcept { return first + count == array.maxCount(); }
    char*& operator[](std::size_t i) noexcept { return array[first + i]; }
  };

  unsigned ClassFor(std::size_t size, std::size_t alignment) const noexcept;
  void* AllocateBlock(unsigned index, std::size_t size, bool zeroed) noexcept;
  void* AllocateRun(std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  bool CoverCells(const char* end) noexcept;
  Cell& CellOf(const void* p) noexcept;
  std::uint32_t LoadCell(const void* p) noexcept;

  bool FindPlace(const void* p, Place* place) noexcept;
  Place FindLive(const void* p, const char* did) noexcept;
  char* BlockOfRun(std::uint32_t firstPage) noexcept;
  void Claim(const Place& place) noexcept;
  void CheckCanary(const Place& place) noexcept;
  void CheckPoison(const Place& place) noexcept;

  void FreePlace(const Place& place) noexcept;
  void QuarantineBlock(const Place& place) noexcept;
  void QuarantineRun(const Place& place) noexcept;
  void ReleaseBlock(char* p) noexcept;
  bool ReleaseRun(char* p) noexcept;
  void EvictRuns(std::size_t maxCount, std::size_t maxBytes) noexcept;

  SlabAllocator* slabs_ = nullptr;
  PageHeap* pages_ = nullptr;
  std::uint32_t guardEvery_ = 0;
  std::atomic<std::uint32_t> untilGuard_{0};
  LazyTable<Cell> cells_;
  std::atomic<std::size_t> coveredCells_{0};
  Lock lock_;  // of the queues, and of the growth of the cells
  Queue blocks_, runs_;
  std::atomic<std::uint64_t> guarded_{0}, refused_{0}, frees_{0};
};

}  // namespace rmem
