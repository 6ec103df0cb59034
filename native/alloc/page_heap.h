#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/cache_budget.h"
#include "alloc/decay_thread.h"
#include "alloc/dirty_cap.h"
#include "alloc/dirty_decay.h"
#include "alloc/free_regions.h"
#include "alloc/huge_pages.h"
#include "alloc/lazy_table.h"
#include "alloc/page_tags.h"
#include "base/clock.h"
#include "os/lock.h"
#include "os/pages.h"

namespace rmem {

struct PageHeapConfig {
  std::size_t reserveBytes = 0;  // 0: 256 GiB, or what RLIMIT_AS allows
  Fit fit = Fit::kBest;
  std::size_t dirtyCapBytes = std::size_t{8} << 20;
  std::size_t dirtyCapMaxBytes = std::size_t{64} << 20;
  bool hugePages = true;
  std::uint64_t decayMs = 10'000;                 // dirty pages that long unused are purged; 0: never
  std::uint64_t decayCalls = 16'384;              // so many calls count as much as that time; 0: none
  std::uint64_t (*nowMs)() = &MonotonicCoarseMs;  // a test has its own
};

struct PageHeapStats {
  std::uint64_t reservedBytes, committedBytes;
  std::uint64_t liveBytes;   // in runs handed out
  std::uint64_t dirtyBytes;  // free, and perhaps resident
  std::uint64_t cleanBytes;  // free, was used before, given back to the system
  std::uint64_t hugeAdvisedBytes;
  std::uint64_t dirtyCapBytes;
  std::uint64_t allocations, freeListHits;  // a hit reuses pages that were handed out before
  std::uint64_t frees, coalesces;           // a free coalesces when it joins a free neighbour (or two)
  std::uint64_t largestFreeBytes;           // of the free regions below the top
  std::uint64_t freeRegionBytes, freeRegions;
  std::uint64_t purges, purgedBytes;  // because of the cap, on demand, or by time
  std::uint64_t decayedBytes;         // of these, by time
  std::uint64_t failures;
};

/** Of the large objects among the runs. */
struct ObjectCounts {
  std::uint64_t allocations, frees;
  std::uint64_t livePages;
};

/**
 * The pages of one heap: runs of whole pages out of one reserved range, under one lock.
 *
 * What lies above `top` was never used, or is free up to there; below it, free regions are found by
 * FreeRegions. Pages that were handed out and came back are dirty; they stay resident for reuse up to a cap
 * and are purged beyond it, a few regions a call. A tag of 32 bits a page (page_tags.h) belongs to whoever
 * holds the page, so that an address leads to its owner.
 */
class PageHeap {
 public:
  bool Init(const PageHeapConfig& config) noexcept;
  void Destroy() noexcept;
  /** Before the first use: dirty pages are also kept within what others leave of it, looked at every 64
   * calls. Null: they know only their own cap. */
  void ShareBudget(const CacheBudget* budget) noexcept { budget_ = budget; }

  /**
   * `pages` pages aligned to `alignment` bytes (a power of two); null when the range is full or memory is
   * refused, also after a purge. `preferredAlignment` is kept where that wastes no reusable region.
   */
  void* Allocate(std::uint32_t pages, std::size_t alignment = kPageBytes,
                 std::size_t preferredAlignment = kPageBytes) noexcept;
  /** As many pages up to `*pages` as a free region has, where none has that many but one has `least`; tells
   * how many. So that what is free is used before what is new. */
  void* AllocateUpTo(std::uint32_t* pages, std::uint32_t least) noexcept;
  /** The same for a large object: tags its first page, advises whole huge pages in it, and counts it. */
  char* AllocateObject(std::uint32_t pages, std::size_t alignment, std::size_t preferredAlignment) noexcept;
  /** When a purge must not happen now (inside a commit), it is left to the next call that may. */
  enum class PurgeNow : bool { kNo, kYes };
  void Free(void* start, std::uint32_t pages, PurgeNow purge = PurgeNow::kYes) noexcept;
  /** Stops the program where the run is not a live object. */
  void FreeObject(std::uint32_t page, std::uint32_t pages) noexcept;
  /** Frees an object that holds no memory, because its contents were moved away. */
  void FreeMovedObject(std::uint32_t page, std::uint32_t pages) noexcept;
  /** Lengthens a run in place; false when what follows is not free. The tag of an object is kept right. */
  bool Extend(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept;
  /** Frees the end of a run. */
  void Shrink(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept;

  /** Makes the first `bytes` of a run just allocated read as zero, without touching pages that do so already.
   */
  void Zero(void* start, std::size_t bytes) noexcept;
  /** Advises the whole huge pages within a live run. */
  void AdviseHuge(void* start, std::uint32_t pages) noexcept;

  /** Gives all dirty memory back to the system. Returns its bytes. */
  std::uint64_t Purge() noexcept;
  /** The same, and trims tables and descriptors to what is in use. Returns the bytes given back: dirty ones
   * and resident ones of metadata. */
  std::uint64_t Compact() noexcept;

  /** Purges what has been idle for the time to decay. Calls of the heap do so now and then; a heap that
   * nobody calls wants a thread. */
  void Decay() noexcept;
  /** A thread that calls `decay`, which calls Decay, in this process (not in its children); false when there
   * is none to be had, or nothing decays by time. */
  bool StartBackgroundDecay(DecayThread::Function decay, void* context) noexcept;
  void StopBackgroundDecay() noexcept { decayThread_.Stop(); }
  bool hasBackgroundDecay() const noexcept { return decayThread_.running(); }
  PageHeapStats Stats() noexcept;
  /** Resident bytes in huge pages as the system counts them; 0 where it does not tell. Takes milliseconds in
   * a large process. */
  std::uint64_t HugeResidentBytes() const noexcept;
  ObjectCounts Objects() noexcept;

  std::uint32_t PageOf(const void* p) const noexcept {
    return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(p) - base_) / kPageBytes);
  }
  std::size_t OffsetInPage(const void* p) const noexcept {
    return (reinterpret_cast<std::uintptr_t>(p) - base_) % kPageBytes;
  }
  char* AddressOf(std::uint32_t page) const noexcept {
    return reinterpret_cast<char*>(base_ + std::uintptr_t{page} * kPageBytes);
  }
  bool Contains(const void* p) const noexcept { return reinterpret_cast<std::uintptr_t>(p) - base_ < bytes_; }
  PageTag Tag(std::uint32_t page) noexcept { return PageTag(tags_[page]); }
  std::size_t reservedBytes() const noexcept { return bytes_; }

  void LockAll() noexcept { lock_.Acquire(); }
  void UnlockAll() noexcept { lock_.Release(); }

  /** Every page is live, free or above the top, and the counts agree. For tests; stops nobody. */
  bool IsConsistent() noexcept;

 private:
  using Word = std::uint64_t;
  static constexpr std::uint32_t kWordBits = 64;
  static constexpr std::uint32_t kTickCalls = 64;  // between looks at the clock
  /** All that is dirty; what is over the cap, whole regions; what has been idle, no page more. Of huge pages
   * that are advised, the last two take whole ones only where that is enough. */
  enum class PurgeKind : std::uint8_t { kAll, kOverCap, kIdle };

  static constexpr std::uint32_t kPurgeRegions =
      4;  // that one call purges at most when far too much is dirty

  static constexpr unsigned kDeferred = 8;

  PageRun AllocateRun(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept;
  PageRun Take(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept;
  PageRun TakeFromRegions(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept;
  FreeRegions::Index FindAligned(FreeRegions::Index tight, std::uint32_t pages,
                                 std::size_t alignment) const noexcept;
  void Cut(FreeRegions::Index index, PageRun run) noexcept;
  PageRun TakeFromTop(std::uint32_t pages, std::size_t alignment) noexcept;
  bool CommitUpTo(std::uint32_t page) noexcept;
  std::uint32_t EndObject(PageRun run) noexcept;
  void FreeRun(PageRun run) noexcept;
  void FlushDeferred(std::uint32_t count) noexcept;
  void FlushDeferred() noexcept { FlushDeferred(deferredCount_); }
  PageRun TakeDeferred(std::uint32_t pages, std::size_t alignment) noexcept;
  void GiveBack(PageRun run, bool dirty) noexcept;
  std::uint32_t AlignPage(std::uint32_t page, std::size_t alignment) const noexcept;

  std::uint32_t CountDirty(PageRun run) const noexcept;
  std::uint32_t DirtyAboveTop() const noexcept {
    return static_cast<std::uint32_t>(dirtyPages_ - regions_.dirtyPages());
  }
  std::uint32_t CountDirtyOf(const FreeRegions::Region& region, PageRun part) const noexcept;
  void SetDirty(PageRun run, bool dirty) noexcept;
  std::uint32_t PurgeRun(PageRun run, std::uint32_t dirtyPages) noexcept;
  std::uint32_t PurgePart(PageRun run, std::uint32_t dirtyPages, PurgeKind kind,
                          std::uint64_t wanted) noexcept;
  std::uint64_t PurgeAll() noexcept;
  /** Returns how many pages went. */
  std::uint64_t PurgeDownTo(std::uint64_t targetPages, PurgeKind kind) noexcept;
  /** At the end of a call: the policies. */
  void Settle() noexcept {
    if (dirtyPages_ + deferredPages_ > purgeAbovePages_) [[unlikely]]
      PurgeSome();
    if (--ticks_ == 0) [[unlikely]]
      Tick();
  }
  void Tick() noexcept;
  void KeepBudget() noexcept;
  void PurgeSome() noexcept;

  std::uintptr_t base_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t endPage_ = 0;

  Lock lock_;
  bool hugePages_ = true;
  std::uint32_t top_ = 0;        // first page above all that is in use
  std::uint32_t touched_ = 0;    // pages from here on were never handed out
  std::uint32_t committed_ = 0;  // pages from here on cannot be touched
  std::uint32_t dirtyEnd_ = 0;   // above the top, pages from here on are not dirty
  // The runs freed last, as they were, oldest first. A request of just that length takes one back, so that a
  // program which frees and allocates the same lengths again pays for no index; any other that no region fits
  // exactly has them joined to the regions first, so that nothing is split which best fit would have spared.
  // Unused where the fit is another one.
  PageRun deferred_[kDeferred] = {};
  std::uint32_t deferredCount_ = 0;
  std::uint32_t maxDeferred_ = 0;
  std::uint64_t deferredPages_ = 0;
  FreeRegions regions_;
  PageTags tags_;
  // One bit a page: its contents may differ from zero. Kept while a page is live (what it held when it was
  // handed out), read then without the lock by Zero, hence atomic.
  LazyTable<std::atomic<Word>> dirty_;
  HugePages huge_;
  std::uint32_t ticks_ = kTickCalls;
  DirtyDecay decay_;
  std::uint64_t (*nowMs_)() = nullptr;
  std::uint64_t msPerTick_ = 0;
  std::uint64_t workedMs_ = 0;
  DecayThread decayThread_;

  std::uint64_t livePages_ = 0;
  std::uint64_t dirtyPages_ = 0;  // free ones, without the deferred
  DirtyCap cap_;
  const CacheBudget* budget_ = nullptr;
  std::uint64_t purgeAbovePages_ = 0;  // the cap; while a purge is under way, what it goes down to
  std::uint64_t allocations_ = 0, freeListHits_ = 0, frees_ = 0, coalesces_ = 0;
  std::uint64_t purges_ = 0, purgedPages_ = 0, decayedPages_ = 0, failures_ = 0;
  ObjectCounts objects_{};
};

}  // namespace rmem
