#include "alloc/large.h"

#include <algorithm>
#include <cstring>

#include "base/checks.h"
#include "os/pages.h"

namespace rmem {
namespace {

constexpr std::size_t kLineBytes = 64;
// From here on moving page table entries is cheaper than copying, and there is no moment with both copies
// resident.
constexpr std::uint32_t kMovePages = (std::size_t{1} << 20) / kPageBytes;

std::size_t PagesFor(std::size_t bytes) noexcept {
  return (bytes - 1) / kPageBytes + 1;  // never 0; no sum that could overflow
}

}  // namespace

inline char* LargeObjects::AllocatePages(std::size_t bytes, std::size_t alignment) noexcept {
  if ((bytes | alignment) > pages_->reservedBytes()) [[unlikely]]
    return nullptr;
  const auto pages = static_cast<std::uint32_t>(PagesFor(bytes));
  return pages_->AllocateObject(pages, std::max(alignment, kPageBytes),
                                bytes < kHugePageBytes ? kPageBytes : kHugePageBytes);
}

void* LargeObjects::Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  const std::size_t bytes = size + (size == 0 ? 1 : 0);
  char* start = AllocatePages(bytes, alignment);
  if (start == nullptr) [[unlikely]]
    return nullptr;
  std::size_t offset = 0;
  if (alignment <= kLineBytes) [[likely]] {
    const std::uint64_t lines = (std::size_t{0} - bytes) % kPageBytes / kLineBytes + 1;
    offset = (MixPage(pages_->PageOf(start)) * lines >> 32) * kLineBytes;
  }
  if (zeroed) pages_->Zero(start, offset + bytes);
  return start + offset;
}

// An object starts in its first page, which knows the number of pages.
LargeObjects::Place LargeObjects::PlaceOf(void* p, std::size_t size) noexcept {
  RMEM_CHECK(pages_->Contains(p) && "freed a large object that is not of this heap");
  const std::uint32_t page = pages_->PageOf(p);
  const std::uint32_t tag = pages_->Tag(page);
  RMEM_CHECK(IsLargeTag(tag) && "freed a large object twice, or a pointer into one");
  char* start = pages_->AddressOf(page);
  const std::size_t offset = static_cast<std::size_t>(static_cast<char*>(p) - start);
  RMEM_CHECK((PagesFor(offset + std::max<std::size_t>(size, 1)) == PagesOfTag(tag)) &&
             "freed a large object with another size than it has");
  return {start, PagesOfTag(tag)};
}

void LargeObjects::Free(void* p, std::size_t size, std::size_t) noexcept {
  RMEM_CHECK(pages_->Contains(p) && "freed a large object that is not of this heap");
  const std::size_t bytes = pages_->OffsetInPage(p) + size + (size == 0 ? 1 : 0);
  pages_->FreeObject(pages_->PageOf(p), static_cast<std::uint32_t>(PagesFor(bytes)));
}

void* LargeObjects::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                               std::size_t alignment) noexcept {
  const Place old = PlaceOf(p, oldSize);
  const std::size_t offset = static_cast<std::size_t>(static_cast<char*>(p) - old.start);
  const std::size_t bytes = offset + std::max<std::size_t>(newSize, 1);
  if (bytes < newSize || bytes > pages_->reservedBytes()) return nullptr;
  const auto newPages = static_cast<std::uint32_t>(PagesFor(bytes));
  if (newPages == old.pages) return p;
  if (newPages < old.pages) {
    pages_->Shrink(old.start, old.pages, newPages);
    return p;
  }
  if (pages_->Extend(old.start, old.pages, newPages)) {
    if (bytes >= kHugePageBytes) pages_->AdviseHuge(old.start, newPages);
    grownInPlace_.fetch_add(1, std::memory_order_relaxed);
    return p;
  }
  char* start = AllocatePages(bytes, alignment);
  if (start == nullptr) return nullptr;
  if (old.pages >= kMovePages && MovePages(old.start, start, std::size_t{old.pages} * kPageBytes)) {
    pages_->FreeMovedObject(pages_->PageOf(old.start), old.pages);
    moved_.fetch_add(1, std::memory_order_relaxed);
  } else {
    std::memcpy(start + offset, p, oldSize);
    pages_->FreeObject(pages_->PageOf(old.start), old.pages);
    copied_.fetch_add(1, std::memory_order_relaxed);
  }
  return start + offset;
}

std::size_t LargeObjects::UsableBytes(const void* p) const noexcept {
  const std::uint32_t page = pages_->PageOf(p);
  const char* end = pages_->AddressOf(page) + std::size_t{PagesOfTag(pages_->Tag(page))} * kPageBytes;
  return static_cast<std::size_t>(end - static_cast<const char*>(p));
}

LargeStats LargeObjects::Stats() const noexcept {
  LargeStats stats{};
  const ObjectCounts objects = pages_->Objects();
  stats.grownInPlace = grownInPlace_.load(std::memory_order_relaxed);
  stats.moved = moved_.load(std::memory_order_relaxed);
  stats.copied = copied_.load(std::memory_order_relaxed);
  // An object that changes its place is neither a new one nor gone.
  stats.allocations = objects.allocations - stats.moved - stats.copied;
  stats.frees = objects.frees - stats.moved - stats.copied;
  stats.liveBytes = objects.livePages * kPageBytes;
  return stats;
}

}  // namespace rmem
