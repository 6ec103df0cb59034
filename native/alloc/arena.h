#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/arena_profile.h"
#include "alloc/cache_budget.h"
#include "alloc/metadata_pool.h"
#include "alloc/page_heap.h"
#include "alloc/thread_states.h"
#include "base/bits.h"
#include "os/biased_lock.h"
#include "os/lock.h"

namespace rmem {

/** The head of a run of pages that an arena allocates from. */
struct ArenaChunk {
  ArenaChunk* next;
  std::uint32_t pages;
  std::uint32_t releasedMs;  // when it went into a thread's cache
};

/** The head of a request that has a region of its own; the block follows it directly. */
struct ArenaRegion {
  ArenaRegion* next;
  ArenaRegion* previous;
  char* start;
  std::uint32_t pages;
};

/**
 * A transaction or savepoint, and the arena of its memory. Made by ArenaAllocator::Begin; gone after its
 * commit or abort, and its open children with it. Blocks may be asked for and freed by several threads at a
 * time; begin and end are one thread's affair.
 */
class Transaction {
 public:
  std::uint32_t type() const noexcept { return type_; }

 private:
  friend class ArenaAllocator;

  BiasedLock lock_;  // towards the thread that began it
  bool estimated_;
  std::uint8_t profile_;
  std::uint32_t type_;
  std::uint64_t estimateBytes_;
  std::uintptr_t bump_, end_;  // of the current chunk
  ArenaChunk* chunks_;         // the current one first
  ArenaChunk* lastChunk_;
  ArenaRegion* regions_;
  ArenaRegion* lastRegion_;
  Transaction* parent_;
  Transaction* firstChild_;
  Transaction* nextSibling_;
  Transaction* previousSibling_;
  std::uint64_t heldBytes_;    // in chunks and regions, those of committed children included
  std::uint64_t filledBytes_;  // in chunks of its own that are no longer the current one
  std::uint64_t regionBytes_;  // ever taken as regions
  std::uint64_t wasteBytes_;   // freed but not taken back
};

struct ArenaStats {
  std::uint64_t committed, inherited, aborted;
  std::uint64_t chunks, cachedChunks;  // taken; of them from a thread's cache
  std::uint64_t regions;
  std::uint64_t growths, pastLimit, refused;
  std::uint64_t usedBytes, heldBytes,
      wasteBytes;  // summed over ended transactions: handed out, held for it, freed early
  std::uint64_t reclaimedBytes;

  void Add(const ArenaStats& other) noexcept;
};

struct ArenaThread {
  static constexpr unsigned kBins = 14;  // chunks of 4 KiB .. 32 MiB

  ThreadStateLinks<ArenaThread> links;
  BiasedLock lock;  // the thread's own, except for a purge by another and for who wants the counts
  std::uint32_t endsSinceReclaim;
  std::uint32_t nowMs;  // not long ago
  std::uint64_t cachedPages;
  std::uint64_t budgetPages;  // taken of the budget: for these, or for such as transactions have now
  ArenaChunk* bins[kBins];
  Transaction* transactions;
  std::uint32_t transactionCount;
  ArenaStats stats;  // of what this thread did
};

struct ArenaThreadSlot {
  std::uint64_t allocatorId;
  ArenaThread* thread;
};
extern constinit thread_local ArenaThreadSlot arenaThreadSlot [[gnu::tls_model("initial-exec")]];

/** What an open transaction has of memory, its open children not counted. */
struct TransactionStats {
  std::uint64_t heldBytes;    // in chunks and regions, those of committed children included
  std::uint64_t regionBytes;  // ever taken as regions
  std::uint64_t wasteBytes;   // freed but not taken back
  std::uint64_t limitBytes;   // of its profile now
  std::uint32_t profile;      // by number
};

/**
 * Transaction arenas: bump allocation in chunks of a page heap; everything a transaction holds goes at its
 * end, in a time that depends on the number of chunks alone. A child is an arena of its own; committed with
 * `inherit` it hands its chunks to the parent in O(1).
 *
 * The profile of a transaction is learned per type. Chunks double up to a quarter of the profile's limit.
 * Finished chunks wait in the thread that ended the transaction; what does not fit there goes back to the
 * page heap, which never purges inside a commit.
 */
class ArenaAllocator {
 public:
  bool Init(PageHeap* pages, MetadataPool* pool, const ArenaConfig& config) noexcept;
  void Destroy() noexcept;
  /** Before the first use: kept chunks take from it. Null: they know only the cap of their thread. */
  void ShareBudget(CacheBudget* budget) noexcept { budget_ = budget; }

  /** A transaction, or a child of `parent`. `estimateBytes`: what it will use, 0 = learn. Null: no memory. */
  Transaction* Begin(Transaction* parent, std::uint32_t type, std::uint64_t estimateBytes = 0) noexcept;
  /** Ends it. `inherit`: its blocks live on in the parent, if there is one. Open children are aborted first.
   */
  void Commit(Transaction* transaction, bool inherit) noexcept;
  void Abort(Transaction* transaction) noexcept;
  /** Frees all that it holds, and aborts its open children; it stays open, as it was begun. Counts as an
   * abort. */
  void RollBack(Transaction* transaction) noexcept;
  TransactionStats StatsOf(Transaction* transaction) noexcept;

  void* Allocate(Transaction* transaction, std::size_t size, std::size_t alignment, bool zeroed) noexcept {
    if (size <= config_.oversizedBytes && transaction->lock_.Enter()) [[likely]] {
      const std::uintptr_t start = AlignUp(transaction->bump_, AlignmentFor(size, alignment));
      const std::uintptr_t end = start + BytesFor(size);
      const bool fits = end <= transaction->end_;
      if (fits) [[likely]]
        transaction->bump_ = end;
      transaction->lock_.Leave();
      if (fits) [[likely]] {
        auto* p = reinterpret_cast<void*>(start);
        return zeroed ? std::memset(p, 0, size) : p;
      }
    }
    return AllocateSlow(transaction, size, alignment, zeroed);
  }
  /** Takes the last block back; others wait for the end. */
  void Free(Transaction* transaction, void* p, std::size_t size) noexcept {
    if (size > config_.oversizedBytes) [[unlikely]]
      return FreeRegion(transaction, p);
    const LockGuard guard(transaction->lock_);
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    if (start + BytesFor(size) == transaction->bump_) {
      transaction->bump_ = start;
    } else {
      transaction->wasteBytes_ += size;
    }
  }
  void* Reallocate(Transaction* transaction, void* p, std::size_t oldSize, std::size_t newSize,
                   std::size_t alignment) noexcept;

  /** Gives back kept chunks, of all threads, that were not wanted for `ageMs`. */
  void ReclaimStale(std::uint32_t ageMs) noexcept;
  void Purge() noexcept { ReclaimStale(0); }

  ArenaUsage UsageOf(std::uint32_t type) noexcept;
  ArenaStats Stats() noexcept;

 private:
  friend class ThreadStates<ArenaThread, ArenaAllocator>;

  static constexpr std::uint32_t kTypes = 256;  // learned apart; further ones share
  static constexpr std::uint32_t kMaxKeptTransactions = 64;

  static constexpr std::size_t BytesFor(std::size_t size) noexcept { return size + (size == 0 ? 1 : 0); }
  static constexpr std::uintptr_t AlignmentFor(std::size_t size, std::size_t alignment) noexcept {
    return alignment != 0 ? alignment : size <= 8 ? 8 : 16;
  }

  void* AllocateSlow(Transaction* transaction, std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  void* AllocateRegion(Transaction* transaction, std::size_t size, std::size_t alignment,
                       bool zeroed) noexcept;
  void FreeRegion(Transaction* transaction, void* p) noexcept;
  void* ResizeRegion(Transaction* transaction, void* p, std::size_t newSize) noexcept;
  bool AddChunk(Transaction* transaction, std::size_t bytes) noexcept;
  bool MayHold(Transaction* transaction, std::uint64_t bytes) noexcept;
  bool MayGrow(const Transaction& transaction) const noexcept;
  void Estimate(Transaction* transaction) noexcept;

  enum class Ending : std::uint8_t { kCommitted, kInherited, kAborted };
  void End(Transaction* transaction, Ending ending) noexcept;
  void EndOne(Transaction* transaction, Ending ending) noexcept;
  void AbortChildren(Transaction* transaction) noexcept;
  void BiasToThread(Transaction* transaction) noexcept;
  void Account(const Transaction& transaction, Ending ending) noexcept;
  void HandOver(Transaction* child, Transaction* parent) noexcept;
  void ReleaseMemory(Transaction* transaction) noexcept;

  ArenaThread* ThisThread() noexcept;
  /** count(ArenaStats&), of the calling thread. */
  template <class CountFunction>
  void Count(CountFunction count) noexcept;
  std::uint32_t RecentMs(ArenaThread* thread) noexcept;
  ArenaChunk* TakeChunk(std::uint32_t pages) noexcept;
  bool MayKeep(ArenaThread& thread, std::uint64_t pages) noexcept;
  void KeepChunk(ArenaThread* thread, ArenaChunk* chunk, std::uint32_t nowMs) noexcept;
  std::uint64_t ReclaimThread(ArenaThread& thread, std::uint32_t nowMs, std::uint32_t ageMs) noexcept;
  void Flush(ArenaThread& thread) noexcept;
  void Forget() noexcept;

  std::uint64_t id_ = 0;
  PageHeap* pages_ = nullptr;
  MetadataPool* pool_ = nullptr;
  CacheBudget* budget_ = nullptr;
  ArenaConfig config_;
  ThreadStates<ArenaThread, ArenaAllocator> states_;
  SpinLock statsLock_;
  ArenaStats stats_{};  // of threads that have ended, or have no state
  std::array<SharedArenaUsage, kTypes> usage_;
  // By type: so many that begin next are not biased, since one of the type was used by several threads.
  std::array<std::atomic<std::uint8_t>, kTypes> shared_{};
};

}  // namespace rmem
