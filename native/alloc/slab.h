#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/cache_budget.h"
#include "alloc/cpu_caches.h"
#include "alloc/lazy_table.h"
#include "alloc/metadata_pool.h"
#include "alloc/page_heap.h"
#include "alloc/size_classes.h"
#include "alloc/thread_states.h"
#include "base/bits.h"
#include "os/cpu_stacks.h"
#include "os/lock.h"

namespace rmem {

/** So many allocations before a block is handed out its first line is fetched. */
inline constexpr std::ptrdiff_t kPrefetchAhead = 4;

struct SlabStats {
  std::uint64_t refills, refilledBlocks;  // depot to thread
  std::uint64_t flushes, flushedBlocks;   // thread to depot
  std::uint64_t slabsCreated, slabsReleased;
  std::uint64_t slabs, slabBytes;  // now
  std::uint64_t depotFreeBytes;    // of slabs, in no magazine
  std::uint64_t releasedBytes;     // of these, in pages given back to the system one by one
};

/** The blocks of one class that a thread holds, as its fast path sees them. */
using SlabMagazine = PointerStack;

/** What only the slow paths need of it. */
struct SlabMagazineState {
  void** slots;            // the null, then room for 2 * half blocks; null when there is no memory yet
  void* hidden;            // the block in whose place Scan put a second null, at slots[hiddenAt]
  std::uint16_t hiddenAt;  // 0: nowhere
  std::uint16_t trips;     // to the depot without a magazine, since the last scan
  std::uint16_t half;      // what is fetched and flushed at once; grows up to the table's magazine
  bool wasRefilled;        // since the last flush
};

struct SlabThread {
  ThreadStateLinks<SlabThread> links;
  std::uint32_t trips;                                      // to depots, since the last scan
  SlabMagazine magazines[SizeClassTable::kMaxClasses + 1];  // the last is kNoClass: always empty, always full
  SlabMagazineState states[SizeClassTable::kMaxClasses];
};

/** Where the calling thread finds its magazines without a call: valid for the allocator of this id, whichever
 * was last. Never null: a thread that has none shares magazines that are always empty and always full. */
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
 * what a local one does. A thread goes to the depot of a class (its slabs, under one lock) when its magazine
 * is empty or full: it half fills it with blocks in ascending order of address from the fullest slabs, or
 * empties the older half into the bitmaps. An empty slab returns to the page heap at once. A slab is as large
 * as a quarter of its class is: of a class that hardly anybody uses, hardly anything lies idle. Where a class
 * has more free blocks than it needed of late, pages without a live block are given back out of its emptiest
 * slabs (slab_release.cc).
 *
 * So many threads have magazines of their own; those beyond share the magazines of CPUs (cpu_caches.h), where
 * the system has what that takes.
 */
class SlabAllocator {
 public:
  /** `cacheCapBytes`: how much the magazines of all threads may hold before they stop growing, and how much
   * those of all CPUs may hold. `ownMagazines`: how many threads have their own; 0: sixteen a CPU. */
  bool Init(PageHeap* pages, MetadataPool* pool, const SizeClassTable* table, std::size_t cacheCapBytes,
            std::uint32_t ownMagazines = 0) noexcept;
  void Destroy() noexcept;
  /** Before the first use. Null: magazines know only their own cap. */
  void ShareBudget(CacheBudget* budget) noexcept { budget_ = budget; }
  /** Whenever a class of the table (null: none), which is the one of Init, has come to some pages, the sizes
   * left to it get their own classes. */
  void RefineAsItGrows(SizeClassTable* table) noexcept { refinable_ = table; }

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
      if (void* p = TryPop(index)) [[likely]]
        return p;
    }
    return AllocateSlow(index);
  }
  void FreeClass(void* p, unsigned index) noexcept {
    if (slabThreadSlot.allocatorId == id_ && TryPush(p, index)) [[likely]]
      return;
    FreeSlow(p, index);
  }

  /** FreeClass into the calling thread's magazine; false where it has no room. */
  bool TryFreeClass(void* p, unsigned index) noexcept {
    return slabThreadSlot.allocatorId == id_ && TryPush(p, index);
  }

  /** One block past all magazines: null when there is none. For a heap whose threads have none. */
  void* AllocateFromDepot(unsigned index) noexcept;
  void FreeToDepot(void* p, unsigned index) noexcept { FlushToDepot(index, &p, 1); }
  /** The start of the block, live or free, that an address in a slab with this tag lies in; null: behind the
   * last. */
  char* BlockAt(const void* p, std::uint32_t tag) noexcept;

  /**
   * The fast halves of AllocateClass and FreeClass where this is the only allocator that the process has ever
   * had: out of, and into, the calling thread's magazine, or not at all. `index` may be kNoClass.
   */
  static void* TryPop(unsigned index) noexcept {
    SlabMagazine& magazine = slabThreadSlot.thread->magazines[index];
    void** const top = magazine.top;
    void* const block = top[-1];
    if (block == nullptr) [[unlikely]]
      return nullptr;
    magazine.top = top - 1;
    __builtin_prefetch(top[-1 - kPrefetchAhead], 1);
    return block;
  }
  static bool TryPush(void* p, unsigned index) noexcept {
    SlabMagazine& magazine = slabThreadSlot.thread->magazines[index];
    void** const top = magazine.top;
    if (top == magazine.end) [[unlikely]]
      return false;
    *top = p;
    magazine.top = top + 1;
    return true;
  }

  const SizeClassTable& table() const noexcept { return *table_; }

  /** The class of the slab that a page of this tag belongs to. */
  static unsigned ClassOfTag(std::uint32_t tag) noexcept { return tag >> kSlabNumberBits; }

  /** Takes, or releases, all locks: around a fork. */
  void LockAll() noexcept;
  void UnlockAll() noexcept;

  /** Empties the calling thread's own magazines into the depots. */
  void FlushThisThread() noexcept;
  /** The same of the magazines of all CPUs. */
  void FlushCpus() noexcept;
  /** Gives back the pages that lie idle in slabs for the second time that this is asked. */
  void Decay() noexcept;
  /** Gives back all pages in slabs that have no block in use. Returns their bytes. */
  std::uint64_t Purge() noexcept;
  SlabStats Stats() noexcept;
  /** What the magazines of all threads could hold now, in bytes. */
  std::size_t cacheBytes() const noexcept { return cacheBytes_.load(std::memory_order_relaxed); }
  /** CPUs that have magazines. */
  unsigned cpusWithMagazines() const noexcept { return cpus_.cpus(); }
  /** Blocks of a class in magazines. For tests, while no thread is inside. */
  std::uint64_t CachedBlocks(unsigned index) noexcept;
  /**
   * Conservation: every block is live, in one magazine or free in its slab, and `liveBlocks` are live. For
   * tests, while no thread is inside.
   */
  bool IsConsistent(std::uint64_t liveBlocks) noexcept;

 private:
  friend class ThreadStates<SlabThread, SlabAllocator>;

  static constexpr std::uint32_t kNoSlab = 0;  // slab 0 is never used
  static constexpr std::uint32_t kMaxSlabs = std::uint32_t{1} << kSlabNumberBits;
  static constexpr unsigned kBins = 8;
  static constexpr unsigned kWords = SizeClassTable::kMaxBlocks / 64;
  static constexpr std::uint32_t kTripsBetweenScans = 512;
  static constexpr std::uint64_t kPagesToRefine = 4;
  static constexpr std::uint16_t kTripsBetweenLooks = 256;  // of a depot, for what is idle in its slabs
  static constexpr unsigned kOwnMagazinesPerCpu = 16;
  static constexpr unsigned kCpuBatch = 64;       // blocks between a CPU and the depot, at most
  static constexpr unsigned kMaxReleasable = 64;  // pages of a slab that can be given back alone

  struct Slab {
    std::uint32_t firstPage;
    std::uint32_t next, previous;  // in its bin; next chains the unused descriptors
    std::uint16_t blocks;
    std::uint16_t freeBlocks;
    std::uint16_t pages;
    std::uint16_t start;  // the block that is handed out first, see TakeBlocks
    std::uint8_t classIndex;
    std::uint8_t bin;
    std::uint64_t released;  // a bit a page: given back, while no block in it is in use
    std::uint64_t freeBits[kWords];

    unsigned Bin() const noexcept { return (freeBlocks - 1u) * kBins / blocks; }
  };
  static_assert(sizeof(Slab) == 160);

  /** The slabs of a class that have free blocks, by how many they have: bin 0 the fullest slabs. */
  struct alignas(64) Depot {
    Lock lock;
    std::uint8_t usedBins;
    bool refined;
    std::uint16_t trips;  // since the last look for what is idle
    std::uint32_t bins[kBins];
    std::uint64_t refills, refilledBlocks, flushes, flushedBlocks, created, released;
    std::uint64_t blocks, freeBlocks;  // of its slabs
    std::uint32_t pages, releasedPages;
    // The fewest free blocks that there were since the last look, and between that and the one before.
    std::uint32_t fewestFree, fewestFreeBefore;
  };

  void* AllocateSlow(unsigned index) noexcept;
  void FreeSlow(void* p, unsigned index) noexcept;
  void* AllocateOnCpu(unsigned index) noexcept;
  void FreeOnCpu(void* p, unsigned index) noexcept;
  SlabThread* ThisThread() noexcept;
  static std::size_t MagazineBytes(unsigned half) noexcept;
  unsigned FirstHalf(unsigned index) const noexcept;
  bool MayCache(std::size_t more) const noexcept;
  void CountCacheBytes(std::size_t more, std::size_t less) noexcept;
  bool Enlarge(SlabThread& thread, unsigned index) noexcept;
  bool DeservesMagazine(SlabMagazineState& state, unsigned index) noexcept;
  bool Resize(SlabThread& thread, unsigned index, unsigned half) noexcept;
  void Drop(SlabThread& thread, unsigned index) noexcept;
  void FlushOldest(SlabThread& thread, unsigned index, std::size_t count) noexcept;
  static bool Unhide(SlabMagazineState& state) noexcept;
  void CountTrip(SlabThread& thread) noexcept;
  void Scan(SlabThread& thread) noexcept;

  void Flush(SlabThread& thread) noexcept;
  void Forget() noexcept;

  unsigned RefillFromDepot(unsigned index, void** blocks, unsigned count) noexcept;
  void FlushToDepot(unsigned index, void* const* blocks, unsigned count) noexcept;
  std::uint32_t SlabOf(const void* block, unsigned index) noexcept;
  void TakeBack(Depot& depot, std::uint32_t slab, unsigned count) noexcept;
  unsigned TakeBlocks(Slab& slab, const std::uint64_t* from, const SizeClassLayout& layout, void** end,
                      unsigned count) noexcept;
  unsigned TakeBlocksOfReleased(Depot& depot, Slab& slab, const SizeClassLayout& layout, void** end,
                                unsigned count) noexcept;
  static unsigned Releasable(const Slab& slab) noexcept;
  static std::uint64_t IdlePages(const Slab& slab, const SizeClassLayout& layout) noexcept;
  std::uint32_t ReleasePagesOf(Slab& slab, std::uint64_t pages) noexcept;
  void Release(Depot& depot, const SizeClassLayout& layout, std::uint32_t pages) noexcept;
  void LookForIdle(unsigned index) noexcept;
  void CountDepotTrip(unsigned index) noexcept {
    if (++depots_[index].trips == kTripsBetweenLooks) [[unlikely]]
      LookForIdle(index);
  }
  std::uint32_t NewSlab(unsigned index) noexcept;
  bool MakeSlab(unsigned index, std::size_t blocks, Slab& slab) noexcept;
  void ReleaseSlab(std::uint32_t slab) noexcept;
  void Link(Depot& depot, std::uint32_t slab) noexcept;
  void Unlink(Depot& depot, std::uint32_t slab) noexcept;

  std::uint64_t id_ = 0;
  const SizeClassTable* table_ = nullptr;
  SizeClassTable* refinable_ = nullptr;
  PageHeap* pages_ = nullptr;
  MetadataPool* pool_ = nullptr;
  ThreadStates<SlabThread, SlabAllocator> states_;
  CpuCaches cpus_;
  std::uint32_t ownMagazines_ = 0;
  Lock slabsLock_;
  LazyTable<Slab> slabs_;
  std::uint32_t unusedSlab_ = kNoSlab;
  std::uint32_t topSlab_ = 1;
  std::size_t cacheCapBytes_ = 0;
  CacheBudget* budget_ = nullptr;
  std::atomic<std::size_t> cacheBytes_{0};  // that all magazines could hold
  std::array<Depot, SizeClassTable::kMaxClasses> depots_{};
};

}  // namespace rmem
