#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/allocator.h"
#include "alloc/arena.h"
#include "alloc/hardened.h"
#include "alloc/heap_config.h"
#include "alloc/heap_stats.h"
#include "alloc/large.h"
#include "alloc/metadata_pool.h"
#include "alloc/page_heap.h"
#include "alloc/slab.h"
#include "alloc/system_malloc.h"

namespace rmem {

/** Which requests a heap serves by itself; the rest goes to the malloc of the process. */
enum class Preset : std::uint8_t {
  kSlab,     // up to HeapConfig::slabMaxBytes
  kArena,    // what belongs to a transaction
  kLarge,    // above HeapConfig::largeThresholdBytes
  kRustydb,  // everything
};

/**
 * A heap: one page heap, and the allocators of its preset above it. A request goes where its size and
 * alignment say, and a free, told the same, finds the same place; hence sizes and alignments must be told as
 * they were asked for. Blocks of a transaction are freed and reallocated through the transaction that holds
 * them now.
 *
 * Conventions as in alloc/allocator.h. Any thread may call anything but Destroy, for which the others must be
 * done with the heap (they may exit later).
 */
template <Preset P>
class Heap {
 public:
  static constexpr bool kHasSlabs = P == Preset::kSlab || P == Preset::kRustydb;
  static constexpr bool kHasTransactions = P == Preset::kArena || P == Preset::kRustydb;
  static constexpr bool kHasLargeObjects = P == Preset::kLarge || P == Preset::kRustydb;

  /** Of no use before CreateAt; anything but a slow path on it is harmless. */
  constexpr Heap() = default;

  /** Null when the system grants no address space. */
  static Heap* Create(const HeapConfig& config = HeapConfig()) noexcept;
  /** The same in memory of the caller's, which stays his. False when the system grants no address space. */
  static bool CreateAt(Heap* memory, const HeapConfig& config = HeapConfig()) noexcept;
  /** Gives everything back, blocks that are alive included (but not those that malloc served). */
  static void Destroy(Heap* heap) noexcept;
  /** The same of one made by CreateAt: its memory stays the caller's. */
  static void DestroyAt(Heap* heap) noexcept;

  void* Allocate(std::size_t size, std::size_t alignment = 0, bool zeroed = false) noexcept {
    if constexpr (kHasSlabs) {
      const unsigned index = SlabClassFor(size, alignment);
      if (index != SizeClassTable::kNoClass) [[likely]] {
        void* p = slabs_.AllocateClass(index);
        if (zeroed && p != nullptr) std::memset(p, 0, size);
        return p;
      }
    }
    return AllocateElsewhere(size, alignment, zeroed);
  }

  void Free(void* p, std::size_t size, std::size_t alignment = 0) noexcept {
    if constexpr (kHasSlabs) {
      const unsigned index = SlabClassFor(size, alignment);
      if (index != SizeClassTable::kNoClass) [[likely]]
        return slabs_.FreeClass(p, index);
    }
    FreeElsewhere(p, size, alignment);
  }

  void* Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment = 0) noexcept;

  /**
   * For a malloc, which is not told sizes: finds them by the address. Only for the preset kRustydb, which
   * serves everything. Stops the program where `p` is not the start of a live block of this heap, as far as
   * that is seen at once.
   */
  std::uint32_t TagOf(const void* p) noexcept {
    return pages_.Contains(p) ? std::uint32_t{pages_.Tag(pages_.PageOf(p))} : 0;
  }
  static bool IsSlabTag(std::uint32_t tag) noexcept { return rmem::IsSlabTag(tag); }
  void FreeUntold(void* p) noexcept {
    const std::uint32_t tag = TagOf(p);
    if (IsSlabTag(tag) && slabs_.TryFreeClass(p, SlabAllocator::ClassOfTag(tag))) [[likely]]
      return;
    FreeUntoldSlow(p, tag);
  }
  /** The same where the caller knows the size: hardened mode checks it. */
  void FreeTold(void* p, std::size_t size) noexcept {
    if (hardened_.enabled()) return hardened_.Free(p, size);
    FreeUntold(p);
  }
  std::size_t UsableBytes(const void* p) noexcept;
  /** Keeps the alignment of malloc. Null, and the block as it was, when memory is short. */
  void* ReallocateUntold(void* p, std::size_t size) noexcept;

  /** Takes, or releases, all locks but those of transactions: around a fork. What other threads cached is
   * lost to the child. */
  void LockAll() noexcept;
  void UnlockAll() noexcept;

  /** A transaction, or a savepoint within `parent`. `type` is any number; what is learned is learned per
   * type. `estimateBytes`: what it will use, 0 = learn. */
  Transaction* Begin(Transaction* parent, std::uint32_t type,
                     std::uint64_t estimateBytes = 0) noexcept requires kHasTransactions {
    Transaction* transaction = arenas_.Begin(parent, type, estimateBytes);
    if (transaction == nullptr) [[unlikely]] {
      Drain();
      transaction = arenas_.Begin(parent, type, estimateBytes);
    }
    return transaction;
  }
  void* Allocate(Transaction* transaction, std::size_t size, std::size_t alignment,
                 bool zeroed) noexcept requires kHasTransactions {
    void* p = arenas_.Allocate(transaction, size, alignment, zeroed);
    return p != nullptr ? p : AllocateDrained(transaction, size, alignment, zeroed);
  }
  void Free(Transaction* transaction, void* p, std::size_t size) noexcept requires kHasTransactions {
    arenas_.Free(transaction, p, size);
  }
  void* Reallocate(Transaction* transaction, void* p, std::size_t oldSize, std::size_t newSize,
                   std::size_t alignment) noexcept requires kHasTransactions {
    void* moved = arenas_.Reallocate(transaction, p, oldSize, newSize, alignment);
    if (moved == nullptr) [[unlikely]] {
      Drain();
      moved = arenas_.Reallocate(transaction, p, oldSize, newSize, alignment);
    }
    return moved;
  }
  void Commit(Transaction* transaction, bool inherit) noexcept requires kHasTransactions {
    arenas_.Commit(transaction, inherit);
  }
  void Abort(Transaction* transaction) noexcept requires kHasTransactions { arenas_.Abort(transaction); }
  /** Frees all that it holds and aborts its open savepoints; it stays open. */
  void RollBack(Transaction* transaction) noexcept requires kHasTransactions {
    arenas_.RollBack(transaction);
  }
  TransactionStats StatsOf(Transaction* transaction) noexcept requires kHasTransactions {
    return arenas_.StatsOf(transaction);
  }

  HeapStats Stats() noexcept;
  /** In hardened mode: looks for what was written into blocks that were freed last. */
  void CheckQuarantine() noexcept {
    if (hardened_.enabled()) hardened_.CheckQuarantine();
  }
  /** In hardened mode, for a signal handler: writes what a fault at this address is, where that is known. */
  bool ExplainFault(const void* address) noexcept { return hardened_.Explain(address); }

  /** Gives back what the calling thread and CPUs cache, what arenas keep, and all dirty memory. Returns the
   * bytes given back to the system. */
  std::uint64_t Purge() noexcept;
  /** The same, and trims the tables of the page heap. Returns the bytes given back to the system by pages
   * and tables. */
  std::uint64_t Compact() noexcept;

  /** A thread that purges what has been idle while nobody calls; false when there is none to be had, or
   * HeapConfig::decayMs is 0. Not inherited by a child made by fork. */
  bool StartBackgroundDecay() noexcept {
    return pages_.StartBackgroundDecay([](void* heap) noexcept { static_cast<Heap*>(heap)->Decay(); }, this);
  }
  void StopBackgroundDecay() noexcept { pages_.StopBackgroundDecay(); }

  /** Every page and block is accounted for, with `liveSlabBlocks` alive. For tests, while no other thread is
   * inside. */
  bool IsConsistent(std::uint64_t liveSlabBlocks) noexcept;

 private:
  unsigned SlabClassFor(std::size_t size, std::size_t alignment) const noexcept {
    return size < slabEndBytes_ ? slabs_.table().ClassFor(size, alignment) : SizeClassTable::kNoClass;
  }
  bool IsLarge(std::size_t size) const noexcept {
    return P == Preset::kRustydb || size > largeThresholdBytes_;
  }

  /** Whether hardened mode has a request that the fast path left. */
  bool IsForHardened(std::size_t size, std::size_t alignment) const noexcept;
  void FreeUntoldSlow(void* p, std::uint32_t tag) noexcept;
  void Decay() noexcept;
  std::uint64_t GiveUpCaches() noexcept;

  bool Init(const HeapConfig& config) noexcept;
  void Release() noexcept;
  void* AllocateElsewhere(std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  void FreeElsewhere(void* p, std::size_t size, std::size_t alignment) noexcept;
  /** Gives back what is only kept for speed, because memory ran out. */
  void Drain() noexcept { static_cast<void>(Purge()); }
  /** Once more, with all caches emptied. */
  [[gnu::noinline]] void* AllocateDrained(Transaction* transaction, std::size_t size, std::size_t alignment,
                                          bool zeroed) noexcept {
    Drain();
    return arenas_.Allocate(transaction, size, alignment, zeroed);
  }

  SlabAllocator slabs_;           // first: its id and table are what the fast path reads
  std::size_t slabEndBytes_ = 0;  // sizes from here on are not for slabs; all in hardened mode
  std::size_t slabMaxBytes_ = 0;
  std::size_t largeThresholdBytes_ = 0;
  PageHeap pages_;
  CacheBudget budget_;
  MetadataPool pool_;
  LargeObjects large_;
  ArenaAllocator arenas_;
  HardenedAllocator hardened_;
};

static_assert(PartialAllocator<SlabAllocator> && Allocator<LargeObjects> && Allocator<SystemMalloc>);
static_assert(Allocator<Heap<Preset::kSlab>> && Allocator<Heap<Preset::kRustydb>>);

extern template class Heap<Preset::kSlab>;
extern template class Heap<Preset::kArena>;
extern template class Heap<Preset::kLarge>;
extern template class Heap<Preset::kRustydb>;

}  // namespace rmem
