#pragma once

#include <atomic>
#include <cstdint>

#include "alloc/lazy_table.h"

namespace rmem {

/**
 * What the table of a page heap says of a page, so that one load leads from an address to its owner:
 * 0 nobody's; below kLargeTag a slab's, its number and above it its size class; kLargeTag and a length in
 * pages on the first page of a large object; kFreeTag and a descriptor's number on the first and last page of
 * a free region. A free tag may be left behind on pages that are in use again, where it means nobody's too.
 */
inline constexpr std::uint32_t kLargeTag = std::uint32_t{1} << 31;
inline constexpr std::uint32_t kFreeTag = std::uint32_t{3} << 30;
inline constexpr std::uint32_t kTagKind = std::uint32_t{3} << 30;
inline constexpr unsigned kSlabNumberBits = 24;
/** In the tag of a large object: all of its pages were dirty when it was handed out. */
inline constexpr std::uint32_t kReusedTag = std::uint32_t{1} << 29;

constexpr bool IsSlabTag(std::uint32_t tag) noexcept {
  return tag - 1 < kLargeTag - 1;
}
constexpr bool IsLargeTag(std::uint32_t tag) noexcept {
  return (tag & kTagKind) == kLargeTag;
}
constexpr std::uint32_t PagesOfTag(std::uint32_t largeTag) noexcept {
  return largeTag & (kReusedTag - 1);
}
constexpr bool IsFreeTag(std::uint32_t tag) noexcept {
  return (tag & kTagKind) == kFreeTag;
}

/** A tag is read by whoever frees a neighbour while its owner writes it; either value does, since both say
 * that the page is not free. */
using PageTags = LazyTable<std::atomic<std::uint32_t>>;

/** One tag, as if it were a plain number. */
class PageTag {
 public:
  explicit PageTag(std::atomic<std::uint32_t>& tag) noexcept : tag_(tag) {}
  // It stands for a number. NOLINTNEXTLINE(google-explicit-constructor)
  operator std::uint32_t() const noexcept { return tag_.load(std::memory_order_relaxed); }
  const PageTag& operator=(std::uint32_t tag) const noexcept {
    tag_.store(tag, std::memory_order_relaxed);
    return *this;
  }

 private:
  std::atomic<std::uint32_t>& tag_;
};

}  // namespace rmem
