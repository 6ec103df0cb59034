#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/lazy_table.h"

namespace rmem {

/** Which of the free regions that are large enough is taken: the smallest, the lowest, the largest. */
enum class Fit : std::uint8_t { kBest, kFirst, kWorst };

/** A number of pages from a first one, counted from the start of a page heap. */
struct PageRun {
  std::uint32_t first = 0;
  std::uint32_t pages = 0;

  std::uint32_t end() const noexcept { return first + pages; }
  bool operator==(const PageRun&) const = default;
};

/**
 * The free regions of a page heap: disjoint, never adjacent (a region added is merged with both neighbours),
 * indexed by address and by size in two treaps over one dense array of descriptors. Everything is O(log n)
 * expected, whichever the fit. Not synchronised.
 */
class FreeRegions {
 public:
  /** Room for `maxRegions`; false when address space is refused. */
  bool Init(std::size_t maxRegions) noexcept;
  void Destroy() noexcept;

  /** Makes sure that there can be `count` regions; false when memory for their descriptors is refused. */
  bool EnsureRoom(std::size_t count) noexcept { return regions_.Grow(count + 1); }

  /** Adds a run that overlaps no region, and returns the region it is now part of. Needs room (EnsureRoom).
   */
  PageRun Add(PageRun run) noexcept;

  /** The region that `fit` chooses among those of at least `pages` pages; pages 0 when there is none. */
  PageRun Find(std::uint32_t pages, Fit fit) const noexcept;
  /** The region that starts at this page; pages 0 when there is none. */
  PageRun FindFirstAt(std::uint32_t first) const noexcept;
  /** The region of highest address below `page`; pages 0 when there is none. */
  PageRun FindBelow(std::uint32_t page) const noexcept;

  /** Takes a whole region out, as Find returned it. */
  void Remove(PageRun region) noexcept;
  /** Leaves only `rest` of a region: one of its ends, not empty. */
  void Shorten(PageRun region, PageRun rest) noexcept;

  std::uint32_t count() const noexcept { return count_; }
  std::uint64_t pages() const noexcept { return pages_; }
  std::uint32_t largest() const noexcept { return byAddress_ == kNone ? 0 : regions_[byAddress_].maxPages; }
  /** Merges with a neighbour that additions made. */
  std::uint64_t coalesces() const noexcept { return coalesces_; }

  /** Both indexes are well formed and hold the same regions, none adjacent. For tests. */
  bool IsConsistent() const noexcept;

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0;  // descriptor 0 is never used

  struct Links {
    Index left, right;
  };
  struct Region {
    PageRun run;
    std::uint32_t priority;
    std::uint32_t maxPages;  // of the subtree by address
    Links address, size;     // address.left chains the unused descriptors
  };
  static_assert(sizeof(Region) == 32);
  struct ByAddress;
  struct BySize;

  template <class Order>
  Index Insert(Index root, Index node) noexcept;
  template <class Order>
  Index Erase(Index root, Index node) noexcept;
  template <class Order>
  Index Merge(Index low, Index high) noexcept;
  template <class Order>
  void Split(Index root, Index node, Index* low, Index* high) noexcept;
  template <class Order>
  std::uint32_t CountOrdered(Index root, Index* last) const noexcept;
  void UpdateMax(Index node) noexcept;
  void UpdateMaxUpFrom(Index root, Index node) noexcept;

  void InsertBoth(Index node) noexcept;
  void EraseBoth(Index node) noexcept;
  void Resize(Index node, PageRun run) noexcept;
  Index FindNode(std::uint32_t first) const noexcept;
  Index FindNodeBelow(std::uint32_t page) const noexcept;
  Index NewNode() noexcept;
  void DropNode(Index node) noexcept;

  LazyTable<Region> regions_;
  Index byAddress_ = kNone;
  Index bySize_ = kNone;
  Index unused_ = kNone;
  Index top_ = 1;  // descriptors from here on were never used
  std::uint32_t count_ = 0;
  std::uint32_t seed_ = 1;
  std::uint64_t pages_ = 0;
  std::uint64_t coalesces_ = 0;
};

}  // namespace rmem
