#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/lazy_table.h"
#include "alloc/page_run.h"

namespace rmem {

/**
 * Runs by address, for first fit: a treap in which each node knows the longest run below it. A run is known
 * by the number that its owner gave it. O(log n) expected. Not synchronised.
 */
class AddressIndex {
 public:
  using Index = std::uint32_t;  // 0: none

  bool Init(std::size_t maxRuns) noexcept { return nodes_.Reserve(maxRuns + 1); }
  void Destroy() noexcept { nodes_.Release(); }
  bool EnsureRoom(std::size_t count) noexcept { return nodes_.Grow(count + 1); }

  /** Nodes from this one on are not in use: gives their memory back, and returns how much that was. */
  std::uint64_t TrimFrom(Index node) noexcept { return nodes_.PurgeFrom(node); }

  void Insert(Index node, PageRun run) noexcept;
  void Erase(Index node) noexcept;
  /** Changes a run that keeps its place among the others. */
  void Resize(Index node, PageRun run) noexcept;
  /** The run of lowest address with at least `pages` pages. */
  Index First(std::uint32_t pages) const noexcept;

  /** Well formed, with `count` runs of which none touch. For tests. */
  bool IsConsistent(std::uint32_t count) const noexcept;

 private:
  struct Node {
    PageRun run;
    Index left, right;
    std::uint32_t priority;
    std::uint32_t maxPages;  // of the subtree
  };

  bool Less(Index a, Index b) const noexcept { return nodes_[a].run.first < nodes_[b].run.first; }
  void UpdateMax(Index node) noexcept;
  void UpdateMaxUpFrom(Index root, Index node) noexcept;
  Index InsertBelow(Index root, Index node) noexcept;
  Index EraseBelow(Index root, Index node) noexcept;
  Index Merge(Index low, Index high) noexcept;
  void Split(Index root, Index node, Index* low, Index* high) noexcept;
  std::uint32_t CountOrdered(Index root, Index* last) const noexcept;

  LazyTable<Node> nodes_;
  Index root_ = 0;
};

}  // namespace rmem
