#include <algorithm>
#include <bit>

#include "alloc/slab.h"
#include "os/pages.h"

/*
 * Pages out of the middle of slabs. A heap that was full once keeps slabs with a few blocks each, for as long
 * as these live; of blocks from about half a page, whole pages of such slabs have nobody in them.
 */
namespace rmem {
namespace {

// Of a class, that a look must find idle, and that of it which makes a look worth the system calls.
constexpr std::uint64_t kWorthwhileBytes = std::size_t{64} << 10;
constexpr std::uint64_t kWorthwhileShare = 16;

// Whether all bits of [first, end) are set, of which there are some.
bool AllSet(const std::uint64_t* words, unsigned first, unsigned end) noexcept {
  while (first < end) {
    const unsigned bit = first % 64;
    const unsigned count = std::min(64 - bit, end - first);
    const std::uint64_t ones = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1) << bit;
    if ((words[first / 64] & ones) != ones) return false;
    first += count;
  }
  return true;
}

}  // namespace

unsigned SlabAllocator::Releasable(const Slab& slab) noexcept {
  return std::min<unsigned>(slab.pages, kMaxReleasable);
}

// The pages, released or not, without a block in use.
std::uint64_t SlabAllocator::IdlePages(const Slab& slab, const SizeClassLayout& layout) noexcept {
  std::uint64_t pages = 0;
  for (unsigned page = 0; page < Releasable(slab); ++page) {
    const std::size_t start = page * kPageBytes;
    const auto first = static_cast<unsigned>(start / layout.bytes);
    const auto end = static_cast<unsigned>((start + kPageBytes + layout.bytes - 1) / layout.bytes);
    if (first < slab.blocks && AllSet(slab.freeBits, first, std::min<unsigned>(end, slab.blocks)))
      pages |= std::uint64_t{1} << page;
  }
  return pages;
}

// Gives pages that are idle and not released back, and returns how many the system took.
std::uint32_t SlabAllocator::ReleasePagesOf(Slab& slab, std::uint64_t pages) noexcept {
  std::uint32_t count = 0;
  while (pages != 0) {
    const auto first = static_cast<unsigned>(std::countr_zero(pages));
    const auto length = static_cast<unsigned>(std::countr_one(pages >> first));
    const std::uint64_t run = (length == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1) << first;
    if (PurgePages(pages_->AddressOf(slab.firstPage + first), length * kPageBytes)) {
      slab.released |= run;
      count += length;
    }
    pages &= ~run;
  }
  return count;
}

// Under the depot's lock: gives at least so many idle pages back, or all there are, out of the emptiest
// slabs.
void SlabAllocator::Release(Depot& depot, const SizeClassLayout& layout, std::uint32_t pages) noexcept {
  std::uint32_t released = 0;
  for (unsigned bin = kBins; bin-- != 0;) {
    for (std::uint32_t number = depot.bins[bin]; number != kNoSlab; number = slabs_[number].next) {
      if (released >= pages) break;
      Slab& slab = slabs_[number];
      released += ReleasePagesOf(slab, IdlePages(slab, layout) & ~slab.released);
    }
  }
  depot.releasedPages += released;
}

// Under the depot's lock. What was free all the time since the look before the last is idle.
void SlabAllocator::LookForIdle(unsigned index) noexcept {
  Depot& depot = depots_[index];
  const SizeClassLayout& layout = (*table_)[index];
  depot.trips = 0;
  const std::uint64_t idleBlocks = std::min(depot.fewestFree, depot.fewestFreeBefore);
  depot.fewestFreeBefore = depot.fewestFree;
  depot.fewestFree = static_cast<std::uint32_t>(depot.freeBlocks);
  const std::uint64_t idlePages = idleBlocks * layout.bytes / kPageBytes;
  if (idlePages <= depot.releasedPages) return;
  const std::uint64_t more = idlePages - depot.releasedPages;
  if (more * kPageBytes < kWorthwhileBytes || more < depot.pages / kWorthwhileShare) return;
  Release(depot, layout, static_cast<std::uint32_t>(more));
}

/*
 * Blocks whose pages are in memory come first. A page that gets a block is released no more, whether the
 * block is touched or not.
 */
unsigned SlabAllocator::TakeBlocksOfReleased(Depot& depot, Slab& slab, const SizeClassLayout& layout,
                                             void** end, unsigned count) noexcept {
  std::uint64_t resident[kWords];
  std::copy_n(slab.freeBits, kWords, resident);
  for (std::uint64_t left = slab.released; left != 0; left &= left - 1) {
    const std::size_t start = static_cast<unsigned>(std::countr_zero(left)) * kPageBytes;
    const std::size_t last = std::min<std::size_t>((start + kPageBytes - 1) / layout.bytes, slab.blocks - 1u);
    for (std::size_t block = start / layout.bytes; block <= last; ++block)
      resident[block / 64] &= ~(std::uint64_t{1} << (block % 64));
  }
  const unsigned taken = TakeBlocks(slab, resident, layout, end, count);
  if (taken == count) return taken;
  const unsigned more = TakeBlocks(slab, slab.freeBits, layout, end - taken, count - taken);
  const std::uint64_t released = slab.released;
  slab.released &= IdlePages(slab, layout);
  depot.releasedPages -= static_cast<std::uint32_t>(std::popcount(released & ~slab.released));
  return taken + more;
}

void SlabAllocator::Decay() noexcept {
  for (unsigned i = 0; i < table_->count(); ++i) {
    const LockGuard guard(depots_[i].lock);
    LookForIdle(i);
  }
}

std::uint64_t SlabAllocator::Purge() noexcept {
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < table_->count(); ++i) {
    Depot& depot = depots_[i];
    const LockGuard guard(depot.lock);
    const std::uint32_t before = depot.releasedPages;
    Release(depot, (*table_)[i], ~std::uint32_t{0});
    bytes += std::uint64_t{depot.releasedPages - before} * kPageBytes;
  }
  return bytes;
}

}  // namespace rmem
