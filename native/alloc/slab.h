#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/lazy_table.h"
#include "alloc/metadata_pool.h"
#include "alloc/page_heap.h"
#include "alloc/size_classes.h"
#include "alloc/thread_states.h"
#include "base/bits.h"
#include "os/lock.h"

namespace rmem {

struct SlabStats {
  std::uint64_t refills, refilledBlocks;  // depot to thread
  std::uint64_t flushes, flushedBlocks;   // thread to depot
  std::uint64_t slabsCreated, slabsReleased;
  std::uint64_t slabs, slabBytes;  // now
  std::uint64_t depotFreeBytes;    // of slabs, in no magazine
};

/** The blocks of one class that a thread holds: two magazines, of which only `loaded` is on the fast path. */
struct SlabMagazines {
  void** loaded;
  void** previous;
  std::uint16_t count;
  std::uint16_t previousCount;
  std::uint16_t limit;        // of either; grows up to the table's capacity
  std::uint16_t wasRefilled;  // since the last flush
};

struct SlabThread {
  ThreadStateLinks<SlabThread> links;
  SlabMagazines classes[];
};

/** Where the calling thread finds its magazines without a call: valid for the allocator of this id, whichever
 * was last. */
struct SlabThreadSlot {
  std::uint64_t allocatorId;
  SlabThread* thread;
};
extern constinit thread_local SlabThreadSlot slabThreadSlot [[gnu::tls_model("initial-exec")]];

/**
 * Blocks of the size classes out of slabs: page runs of a page heap cut into equal blocks.
 *
 * A block is live, in one magazine of one thread, or free in its slab's bitmap. Magazines own nothing: a
 * block freed by a thread goes into that thread's magazine, wherever it came from, so a remote free costs
 * what a local one does. A thread goes to the depot of a class (its slabs, under one lock) when both
 * magazines are empty or full: it fills a magazine with blocks in ascending order of address from the fullest
 * slabs, or empties one into the bitmaps. An empty slab returns to the page heap at once.
 */
class SlabAllocator {
 public:
  bool Init(PageHeap* pages, MetadataPool* pool, const SizeClassTable* table) noexcept;
  void Destroy() noexcept;

  bool Serves(std::size_t size, std::size_t alignment) const noexcept {
    return table_->ClassFor(size, alignment) != SizeClassTable::kNoClass;
  }
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
    void* p = AllocateClass(table_->ClassFor(size, alignment));
    if (zeroed && p != nullptr) std::memset(p, 0, size);
    return p;
  }
  void Free(void* p, std::size_t size, std::size_t alignment) noexcept {
    FreeClass(p, table_->ClassFor(size, alignment));
  }
  void* Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment) noexcept;

  /** A block of a class of the table, which must exist. */
  void* AllocateClass(unsigned index) noexcept {
    if (slabThreadSlot.allocatorId == id_) [[likely]] {
      if (void* p = Pop(slabThreadSlot.thread->classes[index])) [[likely]]
        return p;
    }
    return AllocateSlow(index);
  }
  void FreeClass(void* p, unsigned index) noexcept {
    if (slabThreadSlot.allocatorId == id_ && Push(slabThreadSlot.thread->classes[index], p)) [[likely]]
      return;
    FreeSlow(p, index);
  }

  /**
   * The fast halves of AllocateClass and FreeClass where this is the only allocator that the process has ever
   * had: out of, and into, the calling thread's magazine, or not at all.
   */
  static void* TryPop(unsigned index) noexcept {
    SlabThread* thread = slabThreadSlot.thread;
    return thread != nullptr ? Pop(thread->classes[index]) : nullptr;
  }
  static bool TryPush(void* p, unsigned index) noexcept {
    SlabThread* thread = slabThreadSlot.thread;
    return thread != nullptr && Push(thread->classes[index], p);
  }

  const SizeClassTable& table() const noexcept { return *table_; }

  /** The class of the slab that a page of this tag belongs to. */
  static unsigned ClassOfTag(std::uint32_t tag) noexcept { return tag >> kSlabNumberBits; }

  /** Takes, or releases, all locks: around a fork. */
  void LockAll() noexcept;
  void UnlockAll() noexcept;

  /** Empties the calling thread's magazines into the depots. */
  void FlushThisThread() noexcept;
  SlabStats Stats() noexcept;
  /**
   * Conservation: every block is live, in one magazine or free in its slab, and `liveBlocks` are live. For
   * tests, while no thread is inside.
   */
  bool IsConsistent(std::uint64_t liveBlocks) noexcept;

 private:
  friend class ThreadStates<SlabThread, SlabAllocator>;

  /** So many allocations before a block is handed out its first line is fetched. */
  static constexpr unsigned kPrefetchAhead = 4;

  /** Null where the magazine is empty. */
  static void* Pop(SlabMagazines& magazines) noexcept {
    const unsigned count = magazines.count;
    if (count == 0) [[unlikely]]
      return nullptr;
    magazines.count = static_cast<std::uint16_t>(count - 1);
    void** top = magazines.loaded + (count - 1);
    __builtin_prefetch(*(top - kPrefetchAhead), 1);
    return *top;
  }
  /** False where the magazine is full. */
  static bool Push(SlabMagazines& magazines, void* p) noexcept {
    const unsigned count = magazines.count;
    if (count == magazines.limit) [[unlikely]]
      return false;
    magazines.count = static_cast<std::uint16_t>(count + 1);
    magazines.loaded[count] = p;
    return true;
  }

  static constexpr std::uint32_t kNoSlab = 0;  // slab 0 is never used
  static constexpr std::uint32_t kMaxSlabs = std::uint32_t{1} << kSlabNumberBits;
  static constexpr unsigned kBins = 8;
  static constexpr unsigned kWords = SizeClassTable::kMaxBlocks / 64;

  struct Slab {
    std::uint32_t firstPage;
    std::uint32_t next, previous;  // in its bin; next chains the unused descriptors
    std::uint16_t freeBlocks;
    std::uint8_t classIndex;
    std::uint8_t bin;
    std::uint64_t freeBits[kWords];
  };
  static_assert(sizeof(Slab) == 144);

  /** The slabs of a class that have free blocks, by how many they have: bin 0 the fullest slabs. */
  struct alignas(64) Depot {
    Lock lock;
    std::uint32_t binScale;
    std::uint8_t usedBins;
    std::uint32_t bins[kBins];
    std::uint64_t refills, refilledBlocks, flushes, flushedBlocks, created, released, freeBlocks;
  };

  void* AllocateSlow(unsigned index) noexcept;
  void FreeSlow(void* p, unsigned index) noexcept;
  SlabThread* ThisThread() noexcept;
  static std::size_t MagazineBytes(unsigned limit) noexcept;
  bool EnlargeMagazines(SlabMagazines& magazines, unsigned index) noexcept;

  void Flush(SlabThread& thread) noexcept;
  void Forget() noexcept;

  unsigned RefillFromDepot(unsigned index, void** blocks, unsigned count) noexcept;
  void FlushToDepot(unsigned index, void* const* blocks, unsigned count) noexcept;
  unsigned TakeBlocks(Slab& slab, const SizeClassLayout& layout, void** end, unsigned count) noexcept;
  std::uint32_t NewSlab(unsigned index) noexcept;
  void ReleaseSlab(std::uint32_t slab) noexcept;
  void Link(Depot& depot, std::uint32_t slab) noexcept;
  void Unlink(Depot& depot, std::uint32_t slab) noexcept;
  static unsigned BinOf(const Depot& depot, unsigned freeBlocks) noexcept {
    return ((freeBlocks - 1) * depot.binScale) >> 16;
  }

  std::uint64_t id_ = 0;
  const SizeClassTable* table_ = nullptr;
  PageHeap* pages_ = nullptr;
  MetadataPool* pool_ = nullptr;
  ThreadStates<SlabThread, SlabAllocator> states_;
  Lock slabsLock_;
  LazyTable<Slab> slabs_;
  std::uint32_t unusedSlab_ = kNoSlab;
  std::uint32_t topSlab_ = 1;
  std::array<Depot, SizeClassTable::kMaxClasses> depots_{};
};

}  // namespace rmem
