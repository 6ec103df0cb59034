#include <bit>

#include "alloc/slab.h"

// What slabs and magazines hold, counted without a counter on any fast path.
namespace rmem {

SlabStats SlabAllocator::Stats() noexcept {
  SlabStats stats{};
  for (unsigned i = 0; i < table_->count(); ++i) {
    Depot& depot = depots_[i];
    const LockGuard guard(depot.lock);
    stats.refills += depot.refills;
    stats.refilledBlocks += depot.refilledBlocks;
    stats.flushes += depot.flushes;
    stats.flushedBlocks += depot.flushedBlocks;
    stats.slabsCreated += depot.created;
    stats.slabsReleased += depot.released;
    stats.slabBytes += std::uint64_t{depot.pages} * kPageBytes;
    stats.depotFreeBytes += depot.freeBlocks * (*table_)[i].bytes;
    stats.releasedBytes += std::uint64_t{depot.releasedPages} * kPageBytes;
  }
  stats.slabs = stats.slabsCreated - stats.slabsReleased;
  return stats;
}

std::uint64_t SlabAllocator::CachedBlocks(unsigned index) noexcept {
  std::uint64_t cached = cpus_.Count(index);
  states_.ForEach([&](SlabThread& thread) {
    const SlabMagazineState& state = thread.states[index];
    if (state.slots != nullptr)
      cached += static_cast<std::uint64_t>(thread.magazines[index].top - (state.slots + 1));
  });
  return cached;
}

bool SlabAllocator::IsConsistent(std::uint64_t liveBlocks) noexcept {
  std::uint64_t total = 0;
  std::uint64_t unused = 0;
  for (std::uint32_t number = unusedSlab_; number != kNoSlab; number = slabs_[number].next) ++unused;
  for (unsigned i = 0; i < table_->count(); ++i) {
    const Depot& depot = depots_[i];
    std::uint64_t freeBlocks = 0;
    std::uint32_t released = 0;
    for (unsigned bin = 0; bin < kBins; ++bin) {
      if ((depot.bins[bin] != kNoSlab) != ((depot.usedBins >> bin & 1) != 0)) return false;
      for (std::uint32_t number = depot.bins[bin]; number != kNoSlab; number = slabs_[number].next) {
        const Slab& slab = slabs_[number];
        int bits = 0;
        for (const std::uint64_t word : slab.freeBits) bits += std::popcount(word);
        if (bits != slab.freeBlocks || slab.classIndex != i || slab.Bin() != bin) return false;
        if ((slab.released & ~IdlePages(slab, (*table_)[i])) != 0) return false;
        freeBlocks += slab.freeBlocks;
        released += static_cast<std::uint32_t>(std::popcount(slab.released));
      }
    }
    if (freeBlocks != depot.freeBlocks || released != depot.releasedPages) return false;
    total += depot.blocks - freeBlocks;
    unused += depot.created - depot.released;
  }
  if (unused + 1 != topSlab_) return false;
  std::uint64_t cached = 0;
  bool sound = true;
  for (unsigned i = 0; i < table_->count(); ++i) cached += CachedBlocks(i);
  states_.ForEach([&](SlabThread& thread) {
    for (unsigned i = 0; i < table_->count(); ++i) {
      const SlabMagazineState& state = thread.states[i];
      sound &= state.slots == nullptr ||
               (thread.magazines[i].top <= thread.magazines[i].end && *state.slots == nullptr);
    }
  });
  return sound && total == liveBlocks + cached;
}

}  // namespace rmem
