#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/page_heap.h"

namespace rmem {

struct LargeStats {
  std::uint64_t allocations, frees;
  std::uint64_t liveBytes;                    // whole pages
  std::uint64_t grownInPlace, moved, copied;  // reallocations that needed more pages
};

/**
 * Objects of whole pages, straight from a page heap; page-granular, no size classes. Those of 2 MiB and more
 * are aligned to huge pages where that wastes nothing, and advised as such. An object that leaves room in its
 * last page starts at some cache line of its first one: objects that all start on a page boundary compete for
 * one set of the cache.
 */
class LargeObjects {
 public:
  void Init(PageHeap* pages) noexcept { pages_ = pages; }

  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  void Free(void* p, std::size_t size, std::size_t alignment) noexcept;
  /** In place where what follows is free; else long objects keep their pages and only their address changes.
   */
  void* Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment) noexcept;

  /** Bytes from `p` to the end of its object, which begins there. */
  std::size_t UsableBytes(const void* p) const noexcept;

  LargeStats Stats() const noexcept;

 private:
  struct Place {
    char* start;
    std::uint32_t pages;
  };

  char* AllocatePages(std::size_t bytes, std::size_t alignment) noexcept;
  Place PlaceOf(void* p, std::size_t size) noexcept;

  PageHeap* pages_ = nullptr;
  std::atomic<std::uint64_t> grownInPlace_{0}, moved_{0}, copied_{0};
};

}  // namespace rmem
