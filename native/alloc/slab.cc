#include "alloc/slab.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "base/checks.h"

namespace rmem {
namespace {

std::atomic<std::uint64_t> lastAllocatorId{0};

// A thread's first magazine of a class holds about this much: threads by the hundred must not each hold a
// full one.
constexpr std::size_t kFirstMagazineBytes = 2048;

}  // namespace

constinit thread_local SlabThreadSlot slabThreadSlot{};

bool SlabAllocator::Init(PageHeap* pages, MetadataPool* pool, const SizeClassTable* table) noexcept {
  table_ = table;
  pages_ = pages;
  pool_ = pool;
  std::uint32_t smallestSlab = ~std::uint32_t{0};
  for (unsigned i = 0; i < table->count(); ++i) {
    smallestSlab = std::min<std::uint32_t>(smallestSlab, (*table)[i].pages);
    depots_[i].binScale = (kBins << 16) / (*table)[i].blocks;
  }
  if (!slabs_.Reserve(pages->reservedBytes() / kPageBytes / smallestSlab + 1)) return false;
  if (!states_.Init(this, pool)) return false;
  // Never reused, so that a thread's slot that outlives an allocator matches no later one.
  id_ = lastAllocatorId.fetch_add(1, std::memory_order_relaxed) + 1;
  return true;
}

void SlabAllocator::Destroy() noexcept {
  states_.Destroy();
  slabs_.Release();
  Forget();
}

SlabThread* SlabAllocator::ThisThread() noexcept {
  if (slabThreadSlot.allocatorId == id_) return slabThreadSlot.thread;
  SlabThread* thread = states_.Get(sizeof(SlabThread) + table_->count() * sizeof(SlabMagazines));
  if (thread != nullptr) slabThreadSlot = {id_, thread};
  return thread;
}

void SlabAllocator::Forget() noexcept {
  if (slabThreadSlot.allocatorId == id_) slabThreadSlot = {};
}

// Both magazines, and in front of them what Pop looks at without need.
std::size_t SlabAllocator::MagazineBytes(unsigned limit) noexcept {
  return (2 * std::size_t{limit} + kPrefetchAhead) * sizeof(void*);
}

// Doubles what a thread holds of a class. False when it stays as it is.
bool SlabAllocator::EnlargeMagazines(SlabMagazines& magazines, unsigned index) noexcept {
  const SizeClassLayout& layout = (*table_)[index];
  const std::size_t first = std::max<std::size_t>(kFirstMagazineBytes / layout.bytes, 1);
  const std::size_t wanted = magazines.limit == 0 ? first : std::size_t{magazines.limit} * 2;
  const auto limit = static_cast<std::uint16_t>(std::min<std::size_t>(wanted, layout.magazine));
  if (limit <= magazines.limit) return false;
  auto** memory = static_cast<void**>(pool_->Allocate(MagazineBytes(limit)));
  if (memory == nullptr) return false;
  std::fill_n(memory, kPrefetchAhead, nullptr);
  void** slots = memory + kPrefetchAhead;
  if (magazines.limit != 0) {
    std::copy_n(magazines.loaded, magazines.count, slots);
    std::copy_n(magazines.previous, magazines.previousCount, slots + limit);
    pool_->Free(std::min(magazines.loaded, magazines.previous) - kPrefetchAhead,
                MagazineBytes(magazines.limit));
  }
  magazines.loaded = slots;
  magazines.previous = slots + limit;
  magazines.limit = limit;
  return true;
}

void* SlabAllocator::AllocateSlow(unsigned index) noexcept {
  RMEM_CHECK((index < table_->count()) && "a size that slabs do not serve");
  SlabThread* thread = ThisThread();
  if (thread != nullptr) {
    SlabMagazines& magazines = thread->classes[index];
    if (magazines.count == 0 && magazines.previousCount != 0) {
      std::swap(magazines.loaded, magazines.previous);
      std::swap(magazines.count, magazines.previousCount);
    }
    if (magazines.count == 0) {
      EnlargeMagazines(magazines, index);
      magazines.count = static_cast<std::uint16_t>(RefillFromDepot(index, magazines.loaded, magazines.limit));
      magazines.wasRefilled = 1;
    }
    if (magazines.count != 0) return magazines.loaded[--magazines.count];
  }
  // Without magazines (no memory for them), or after giving back all that this thread holds.
  void* block = nullptr;
  if (RefillFromDepot(index, &block, 1) == 1) return block;
  FlushThisThread();
  pages_->Purge();
  return RefillFromDepot(index, &block, 1) == 1 ? block : nullptr;
}

void SlabAllocator::FreeSlow(void* p, unsigned index) noexcept {
  RMEM_CHECK((index < table_->count()) && "a size that slabs do not serve");
  SlabThread* thread = ThisThread();
  if (thread == nullptr) return FlushToDepot(index, &p, 1);
  SlabMagazines& magazines = thread->classes[index];
  if (magazines.limit == 0 && !EnlargeMagazines(magazines, index)) return FlushToDepot(index, &p, 1);
  if (magazines.count == magazines.limit) {
    if (magazines.previousCount != 0) {
      // Larger magazines help a thread that goes to the depot in both directions, not one that only frees.
      const bool enlarged = magazines.wasRefilled != 0 && EnlargeMagazines(magazines, index);
      if (!enlarged) {
        FlushToDepot(index, magazines.previous, magazines.previousCount);
        magazines.previousCount = 0;
        magazines.wasRefilled = 0;
      }
    }
    if (magazines.count == magazines.limit) {
      std::swap(magazines.loaded, magazines.previous);
      std::swap(magazines.count, magazines.previousCount);
    }
  }
  magazines.loaded[magazines.count++] = p;
}

void* SlabAllocator::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                                std::size_t alignment) noexcept {
  const unsigned oldClass = table_->ClassFor(oldSize, alignment);
  const unsigned newClass = table_->ClassFor(newSize, alignment);
  if (oldClass == newClass) return p;
  void* moved = AllocateClass(newClass);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(oldSize, newSize));
  FreeClass(p, oldClass);
  return moved;
}

void SlabAllocator::FlushThisThread() noexcept {
  SlabThread* thread = ThisThread();
  if (thread != nullptr) Flush(*thread);
}

void SlabAllocator::Flush(SlabThread& thread) noexcept {
  for (unsigned i = 0; i < table_->count(); ++i) {
    SlabMagazines& magazines = thread.classes[i];
    if (magazines.limit == 0) continue;
    if (magazines.count != 0) FlushToDepot(i, magazines.loaded, magazines.count);
    if (magazines.previousCount != 0) FlushToDepot(i, magazines.previous, magazines.previousCount);
    pool_->Free(std::min(magazines.loaded, magazines.previous) - kPrefetchAhead,
                MagazineBytes(magazines.limit));
    magazines = {};
  }
}

void SlabAllocator::Link(Depot& depot, std::uint32_t slab) noexcept {
  Slab& linked = slabs_[slab];
  const unsigned bin = BinOf(depot, linked.freeBlocks);
  linked.bin = static_cast<std::uint8_t>(bin);
  linked.previous = kNoSlab;
  linked.next = depot.bins[bin];
  if (linked.next != kNoSlab) slabs_[linked.next].previous = slab;
  depot.bins[bin] = slab;
  depot.usedBins = static_cast<std::uint8_t>(depot.usedBins | 1u << bin);
}

void SlabAllocator::Unlink(Depot& depot, std::uint32_t slab) noexcept {
  const Slab& linked = slabs_[slab];
  if (linked.next != kNoSlab) slabs_[linked.next].previous = linked.previous;
  if (linked.previous != kNoSlab) {
    slabs_[linked.previous].next = linked.next;
  } else {
    depot.bins[linked.bin] = linked.next;
    if (linked.next == kNoSlab)
      depot.usedBins = static_cast<std::uint8_t>(depot.usedBins & ~(1u << linked.bin));
  }
}

// Writes up to `count` blocks backwards from `end`, lowest address first: a magazine is popped from its upper
// end.
unsigned SlabAllocator::TakeBlocks(Slab& slab, const SizeClassLayout& layout, void** end,
                                   unsigned count) noexcept {
  char* const base = pages_->AddressOf(slab.firstPage);
  unsigned taken = 0;
  for (unsigned word = 0; taken < count; ++word) {
    std::uint64_t bits = slab.freeBits[word];
    if (bits == 0) {
      if (word + 1 == kWords) break;
      continue;
    }
    while (bits != 0 && taken < count) {
      const auto block = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
      bits &= bits - 1;
      *--end = base + std::size_t{block} * layout.bytes;
      ++taken;
    }
    slab.freeBits[word] = bits;
    if (word + 1 == kWords) break;
  }
  slab.freeBlocks = static_cast<std::uint16_t>(slab.freeBlocks - taken);
  return taken;
}

// Fills blocks[0, result).
unsigned SlabAllocator::RefillFromDepot(unsigned index, void** blocks, unsigned count) noexcept {
  Depot& depot = depots_[index];
  const SizeClassLayout& layout = (*table_)[index];
  unsigned missing = count;
  const LockGuard guard(depot.lock);
  while (missing != 0) {
    std::uint32_t slab;
    if (depot.usedBins != 0) {
      slab = depot.bins[std::countr_zero(depot.usedBins)];
      Unlink(depot, slab);
    } else {
      slab = NewSlab(index);
      if (slab == kNoSlab) break;
    }
    missing -= TakeBlocks(slabs_[slab], layout, blocks + missing, missing);
    if (slabs_[slab].freeBlocks != 0) Link(depot, slab);
  }
  const unsigned taken = count - missing;
  if (taken != 0 && missing != 0) std::copy(blocks + missing, blocks + count, blocks);
  depot.refills += taken != 0 ? 1 : 0;
  depot.refilledBlocks += taken;
  depot.freeBlocks -= taken;
  return taken;
}

void SlabAllocator::FlushToDepot(unsigned index, void* const* blocks, unsigned count) noexcept {
  Depot& depot = depots_[index];
  const SizeClassLayout& layout = (*table_)[index];
  const LockGuard guard(depot.lock);
  for (unsigned i = 0; i < count; ++i) {
    const std::uint32_t page = pages_->PageOf(blocks[i]);
    RMEM_CHECK(pages_->Contains(blocks[i]) && "freed a block that is not of this heap");
    const std::uint32_t tag = pages_->Tag(page);
    RMEM_CHECK((tag != 0 && (tag & kLargeTag) == 0) && "freed a block that is in no slab");
    const std::uint32_t number = tag & (kMaxSlabs - 1);
    Slab& slab = slabs_[number];
    RMEM_CHECK((slab.classIndex == index) && "freed a block with the size of another class");
    const auto offset =
        static_cast<std::uint64_t>(static_cast<char*>(blocks[i]) - pages_->AddressOf(slab.firstPage));
    const auto block = static_cast<unsigned>(offset * layout.reciprocal >> 32);
    std::uint64_t& word = slab.freeBits[block / 64];
    const std::uint64_t bit = std::uint64_t{1} << (block % 64);
    RMEM_CHECK((offset == std::uint64_t{block} * layout.bytes && (word & bit) == 0) &&
               "freed a block twice, or a pointer into a block");
    word |= bit;
    const unsigned freeBlocks = ++slab.freeBlocks;
    if (freeBlocks == layout.blocks) {
      if (freeBlocks != 1) Unlink(depot, number);
      ++depot.released;
      depot.freeBlocks -= layout.blocks;
      ReleaseSlab(number);
    } else if (freeBlocks == 1) {
      Link(depot, number);
    } else if (BinOf(depot, freeBlocks) != slab.bin) {
      Unlink(depot, number);
      Link(depot, number);
    }
  }
  ++depot.flushes;
  depot.flushedBlocks += count;
  depot.freeBlocks += count;
}

// Under the lock of the class's depot.
std::uint32_t SlabAllocator::NewSlab(unsigned index) noexcept {
  const SizeClassLayout& layout = (*table_)[index];
  std::uint32_t number;
  {
    const LockGuard guard(slabsLock_);
    number = unusedSlab_;
    if (number != kNoSlab) {
      unusedSlab_ = slabs_[number].next;
    } else {
      if (topSlab_ == kMaxSlabs || !slabs_.Grow(std::size_t{topSlab_} + 1)) return kNoSlab;
      number = topSlab_++;
    }
  }
  void* start = pages_->Allocate(layout.pages);
  if (start == nullptr) {
    const LockGuard guard(slabsLock_);
    slabs_[number].next = unusedSlab_;
    unusedSlab_ = number;
    return kNoSlab;
  }
  Slab& slab = slabs_[number];
  slab = {};
  slab.firstPage = pages_->PageOf(start);
  slab.classIndex = static_cast<std::uint8_t>(index);
  slab.freeBlocks = layout.blocks;
  for (unsigned i = 0; i < layout.blocks / 64; ++i) slab.freeBits[i] = ~std::uint64_t{0};
  if (layout.blocks % 64 != 0)
    slab.freeBits[layout.blocks / 64] = (std::uint64_t{1} << (layout.blocks % 64)) - 1;
  const std::uint32_t tag = number | index << kSlabNumberBits;
  for (std::uint32_t page = 0; page < layout.pages; ++page) pages_->Tag(slab.firstPage + page) = tag;
  Depot& depot = depots_[index];
  ++depot.created;
  depot.freeBlocks += layout.blocks;
  return number;
}

void SlabAllocator::ReleaseSlab(std::uint32_t number) noexcept {
  Slab& slab = slabs_[number];
  const std::uint32_t pages = (*table_)[slab.classIndex].pages;
  for (std::uint32_t page = 0; page < pages; ++page) pages_->Tag(slab.firstPage + page) = 0;
  pages_->Free(pages_->AddressOf(slab.firstPage), pages);
  const LockGuard guard(slabsLock_);
  slab.next = unusedSlab_;
  unusedSlab_ = number;
}

void SlabAllocator::LockAll() noexcept {
  states_.LockAll();
  for (unsigned i = 0; i < table_->count(); ++i) depots_[i].lock.Acquire();
  slabsLock_.Acquire();
}

void SlabAllocator::UnlockAll() noexcept {
  slabsLock_.Release();
  for (unsigned i = 0; i < table_->count(); ++i) depots_[i].lock.Release();
  states_.UnlockAll();
}

SlabStats SlabAllocator::Stats() noexcept {
  SlabStats stats{};
  for (unsigned i = 0; i < table_->count(); ++i) {
    Depot& depot = depots_[i];
    const SizeClassLayout& layout = (*table_)[i];
    const LockGuard guard(depot.lock);
    stats.refills += depot.refills;
    stats.refilledBlocks += depot.refilledBlocks;
    stats.flushes += depot.flushes;
    stats.flushedBlocks += depot.flushedBlocks;
    stats.slabsCreated += depot.created;
    stats.slabsReleased += depot.released;
    stats.slabBytes += (depot.created - depot.released) * layout.pages * kPageBytes;
    stats.depotFreeBytes += depot.freeBlocks * layout.bytes;
  }
  stats.slabs = stats.slabsCreated - stats.slabsReleased;
  return stats;
}

bool SlabAllocator::IsConsistent(std::uint64_t liveBlocks) noexcept {
  std::uint64_t total = 0;
  std::uint64_t unused = 0;
  for (std::uint32_t number = unusedSlab_; number != kNoSlab; number = slabs_[number].next) ++unused;
  for (unsigned i = 0; i < table_->count(); ++i) {
    const Depot& depot = depots_[i];
    const SizeClassLayout& layout = (*table_)[i];
    std::uint64_t freeBlocks = 0;
    for (unsigned bin = 0; bin < kBins; ++bin) {
      if ((depot.bins[bin] != kNoSlab) != ((depot.usedBins >> bin & 1) != 0)) return false;
      for (std::uint32_t number = depot.bins[bin]; number != kNoSlab; number = slabs_[number].next) {
        const Slab& slab = slabs_[number];
        int bits = 0;
        for (const std::uint64_t word : slab.freeBits) bits += std::popcount(word);
        if (bits != slab.freeBlocks || slab.classIndex != i || BinOf(depot, slab.freeBlocks) != bin)
          return false;
        freeBlocks += slab.freeBlocks;
      }
    }
    if (freeBlocks != depot.freeBlocks) return false;
    total += (depot.created - depot.released) * layout.blocks - freeBlocks;
    unused += depot.created - depot.released;
  }
  if (unused + 1 != topSlab_) return false;
  std::uint64_t cached = 0;
  bool sound = true;
  states_.ForEach([&](SlabThread& thread) {
    for (unsigned i = 0; i < table_->count(); ++i) {
      const SlabMagazines& magazines = thread.classes[i];
      if (magazines.count > magazines.limit || magazines.previousCount > magazines.limit) sound = false;
      cached += magazines.count + std::uint64_t{magazines.previousCount};
    }
  });
  return sound && total == liveBlocks + cached;
}

}  // namespace rmem
