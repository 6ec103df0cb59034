#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/address_index.h"
#include "alloc/lazy_table.h"
#include "alloc/page_run.h"
#include "alloc/page_tags.h"

namespace rmem {

/** Which of the free regions that are large enough is taken: the smallest, the lowest, the largest. */
enum class Fit : std::uint8_t { kBest, kFirst, kWorst };

/**
 * The free regions of a page heap: disjoint, never adjacent (a region added is merged with both neighbours).
 *
 * A neighbour is found by the tag that a region leaves on its first and last page (page_tags.h). By size they
 * lie in bins, one a length up to 256 pages and eight a power of two beyond, with a bitmap of the bins in
 * use; a bin is a treap, which most of the time has one node or none. Among equals those with dirty pages
 * come first, then the lowest. First fit keeps an index by address beside it. So best and worst fit are O(1)
 * where regions are few or of many lengths, and everything is O(log n) expected. Not synchronised.
 *
 * Regions with dirty pages are in a list by when they were last added to, oldest first.
 */
class FreeRegions {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0;  // descriptor 0 is never used

  struct Region {
    PageRun run;               // 0 pages: an unused descriptor
    std::uint32_t dirtyPages;  // of them
    Index left, right;         // in the treap of the bin; left chains the unused descriptors
    Index older, newer;        // among the dirty
  };

  /** Room for `maxRegions`; false when address space is refused. `tags` has an entry for every page that is
   * ever told, and for the one behind. */
  bool Init(std::size_t maxRegions, Fit fit, PageTags* tags) noexcept;
  void Destroy() noexcept;

  /** Makes sure that there can be `count` regions; false when memory for their descriptors is refused. */
  bool EnsureRoom(std::size_t count) noexcept {
    return regions_.Grow(count + 1) && (fit_ != Fit::kFirst || byAddress_.EnsureRoom(count));
  }

  /** Adds a run that overlaps no region, and returns the region it is now part of. Needs room (EnsureRoom).
   */
  Index Add(PageRun run, std::uint32_t dirtyPages) noexcept;
  /** The region to take `pages` pages from; kNone when none has so many. */
  Index Find(std::uint32_t pages) const noexcept;
  /** The same, but where that one holds less memory, a region that is all dirty, of those added to last: the
   * smallest. */
  Index FindDirty(std::uint32_t pages) const noexcept;
  /** The region that starts at this page, or that ends before it. */
  Index StartingAt(std::uint32_t page) const noexcept;
  Index EndingAt(std::uint32_t page) const noexcept;
  const Region& operator[](Index index) const noexcept { return regions_[index]; }

  void Remove(Index index) noexcept;
  /** Leaves only `rest` of a region: one of its ends, not empty. */
  void Shorten(Index index, PageRun rest, std::uint32_t dirtyPages) noexcept;
  /** Some of its dirty pages have been purged: so many are left. */
  void SetDirtyPages(Index index, std::uint32_t dirtyPages) noexcept;

  /** Of those with dirty pages, the one that was added to longest ago. */
  Index oldest() const noexcept { return oldest_; }
  /** Puts a region at the newer end. */
  void Renew(Index index) noexcept;

  /** Gives back descriptors above the last in use; returns the bytes of memory that were. */
  std::uint64_t Trim() noexcept;

  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t dirtyCount() const noexcept { return dirtyCount_; }
  std::uint64_t pages() const noexcept { return pages_; }
  std::uint64_t dirtyPages() const noexcept { return dirtyPages_; }
  std::uint32_t largest() const noexcept;
  /** Merges with a neighbour that additions made. */
  std::uint64_t coalesces() const noexcept { return coalesces_; }

  /** Calls visit(index) for every region, in no order. */
  template <class Visit>
  void ForEach(Visit visit) const noexcept {
    for (Index index = 1; index < top_; ++index) {
      if (regions_[index].run.pages != 0) visit(index);
    }
  }

  /** Bins, tags, list and counts hold the same regions, none adjacent. For tests. */
  bool IsConsistent() const noexcept;

 private:
  static constexpr std::uint32_t kExactPages = 256;
  static constexpr unsigned kExactLog = 8;
  static constexpr unsigned kSplitLog = 3;  // bins a power of two beyond
  static constexpr unsigned kBins = kExactPages + ((32 - kExactLog) << kSplitLog);
  static constexpr unsigned kWords = kBins / 64;
  static constexpr unsigned kDirtyLooks = 16;
  static_assert(kBins % 64 == 0 && kWords <= 32);

  static unsigned BinOf(std::uint32_t pages) noexcept;
  /** The order of the regions in a bin. */
  static std::uint64_t KeyOf(const Region& region) noexcept {
    return std::uint64_t{region.run.pages} << 33 | std::uint64_t{region.dirtyPages == 0 ? 1u : 0u} << 32 |
           region.run.first;
  }
  /** The first bin from `bin` on that is not empty; kBins when there is none. */
  unsigned NextBin(unsigned bin) const noexcept;
  unsigned LastBin() const noexcept;
  Index FindBest(std::uint32_t pages) const noexcept;

  void InsertBin(Index node) noexcept;
  void EraseBin(Index node) noexcept;
  void Link(Index node) noexcept;
  void Unlink(Index node) noexcept;
  void Mark(Index node) noexcept;
  Index NewNode() noexcept;
  void DropNode(Index node) noexcept;
  bool IsTreap(Index root, unsigned bin, std::uint64_t* lastKey, std::uint64_t* count) const noexcept;

  LazyTable<Region> regions_;
  PageTags* tags_ = nullptr;
  Fit fit_ = Fit::kBest;
  Index unused_ = kNone;
  Index top_ = 1;  // descriptors from here on were never used
  std::uint32_t count_ = 0;
  std::uint32_t dirtyCount_ = 0;
  Index oldest_ = kNone, newest_ = kNone;
  std::uint64_t pages_ = 0;
  std::uint64_t dirtyPages_ = 0;
  std::uint64_t coalesces_ = 0;
  std::uint32_t wordsInUse_ = 0;  // one bit a word of binsInUse_
  std::uint64_t binsInUse_[kWords] = {};
  Index bins_[kBins] = {};
  AddressIndex byAddress_;  // first fit only
};

}  // namespace rmem
