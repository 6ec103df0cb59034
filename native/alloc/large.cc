#include "alloc/large.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/checks.h"
#include "os/pages.h"

namespace rmem {
namespace {

constexpr std::size_t kLineBytes = 64;
// From here on moving page table entries is cheaper than copying, and there is no moment with both copies
// resident.
constexpr std::uint32_t kMovePages = (std::size_t{1} << 20) / kPageBytes;

std::size_t PagesFor(std::size_t bytes) noexcept {
  return bytes / kPageBytes + (bytes % kPageBytes != 0 ? 1 : 0);
}

}  // namespace

void LargeObjects::Track(std::atomic<std::uint64_t>& counter, std::int64_t morePages) noexcept {
  counter.fetch_add(1, std::memory_order_relaxed);
  livePages_.fetch_add(static_cast<std::uint64_t>(morePages), std::memory_order_relaxed);
}

char* LargeObjects::AllocatePages(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > pages_->reservedBytes() || alignment > pages_->reservedBytes()) return nullptr;
  const auto pages = static_cast<std::uint32_t>(PagesFor(bytes));
  const std::size_t preferred = bytes >= kHugePageBytes ? kHugePageBytes : kPageBytes;
  auto* start = static_cast<char*>(pages_->Allocate(pages, std::max(alignment, kPageBytes), preferred));
  if (start == nullptr) return nullptr;
  if (bytes >= kHugePageBytes) pages_->AdviseHuge(start, pages);
  pages_->Tag(pages_->PageOf(start)) = kLargeTag | pages;
  return start;
}

void* LargeObjects::Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  const std::size_t bytes = std::max<std::size_t>(size, 1);
  char* start = AllocatePages(bytes, alignment);
  if (start == nullptr) return nullptr;
  const std::size_t pages = PagesFor(bytes);
  std::size_t offset = 0;
  if (alignment <= kLineBytes) {
    const std::size_t lines = (pages * kPageBytes - bytes) / kLineBytes + 1;
    offset = MixBits(std::uint64_t{pages_->PageOf(start)}) % lines * kLineBytes;
  }
  if (zeroed) pages_->Zero(start, offset + bytes);
  Track(allocations_, static_cast<std::int64_t>(pages));
  return start + offset;
}

// An object starts in its first page, which knows the number of pages.
LargeObjects::Place LargeObjects::PlaceOf(void* p, std::size_t size) noexcept {
  RMEM_CHECK(pages_->Contains(p) && "freed a large object that is not of this heap");
  const std::uint32_t page = pages_->PageOf(p);
  const std::uint32_t tag = pages_->Tag(page);
  RMEM_CHECK((tag & kLargeTag) != 0 && "freed a large object twice, or a pointer into one");
  char* start = pages_->AddressOf(page);
  const std::size_t offset = static_cast<std::size_t>(static_cast<char*>(p) - start);
  RMEM_CHECK((PagesFor(offset + std::max<std::size_t>(size, 1)) == (tag & ~kLargeTag)) &&
             "freed a large object with another size than it has");
  return {start, tag & ~kLargeTag};
}

void LargeObjects::Free(void* p, std::size_t size, std::size_t) noexcept {
  const Place place = PlaceOf(p, size);
  pages_->Tag(pages_->PageOf(place.start)) = 0;
  pages_->Free(place.start, place.pages);
  Track(frees_, -static_cast<std::int64_t>(place.pages));
}

void* LargeObjects::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                               std::size_t alignment) noexcept {
  const Place old = PlaceOf(p, oldSize);
  const std::size_t offset = static_cast<std::size_t>(static_cast<char*>(p) - old.start);
  const std::size_t bytes = offset + std::max<std::size_t>(newSize, 1);
  if (bytes < newSize || bytes > pages_->reservedBytes()) return nullptr;
  const auto newPages = static_cast<std::uint32_t>(PagesFor(bytes));
  const std::int64_t morePages = std::int64_t{newPages} - std::int64_t{old.pages};
  if (morePages == 0) return p;
  std::uint32_t& tag = pages_->Tag(pages_->PageOf(p));
  if (morePages < 0) {
    tag = kLargeTag | newPages;
    pages_->Shrink(old.start, old.pages, newPages);
    livePages_.fetch_sub(static_cast<std::uint64_t>(-morePages), std::memory_order_relaxed);
    return p;
  }
  if (pages_->Extend(old.start, old.pages, newPages)) {
    tag = kLargeTag | newPages;
    if (bytes >= kHugePageBytes) pages_->AdviseHuge(old.start, newPages);
    Track(grownInPlace_, morePages);
    return p;
  }
  char* start = AllocatePages(bytes, alignment);
  if (start == nullptr) return nullptr;
  tag = 0;
  if (old.pages >= kMovePages && MovePages(old.start, start, std::size_t{old.pages} * kPageBytes)) {
    pages_->FreeMoved(old.start, old.pages);
    Track(moved_, morePages);
  } else {
    std::memcpy(start + offset, p, oldSize);
    pages_->Free(old.start, old.pages);
    Track(copied_, morePages);
  }
  return start + offset;
}

std::size_t LargeObjects::UsableBytes(const void* p) const noexcept {
  const std::uint32_t page = pages_->PageOf(p);
  const char* end = pages_->AddressOf(page) + std::size_t{pages_->Tag(page) & ~kLargeTag} * kPageBytes;
  return static_cast<std::size_t>(end - static_cast<const char*>(p));
}

LargeStats LargeObjects::Stats() const noexcept {
  LargeStats stats{};
  stats.allocations = allocations_.load(std::memory_order_relaxed);
  stats.frees = frees_.load(std::memory_order_relaxed);
  stats.liveBytes = livePages_.load(std::memory_order_relaxed) * kPageBytes;
  stats.grownInPlace = grownInPlace_.load(std::memory_order_relaxed);
  stats.moved = moved_.load(std::memory_order_relaxed);
  stats.copied = copied_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace rmem
