#include "alloc/heap.h"

#include <new>

#include "base/checks.h"
#include "os/pages.h"

namespace rmem {
namespace {

// Thread caches, magazines and transaction objects are a small part of what they manage.
constexpr std::size_t kMetadataShare = 32;

template <class H>
constexpr std::size_t kHeapPagesBytes = (sizeof(H) + kPageBytes - 1) / kPageBytes* kPageBytes;

}  // namespace

template <Preset P>
Heap<P>* Heap<P>::Create(const HeapConfig& config) noexcept {
  void* memory = ReservePages(kHeapPagesBytes<Heap>);
  if (memory == nullptr) return nullptr;
  if (!CommitPages(memory, kHeapPagesBytes<Heap>)) {
    ReleasePages(memory, kHeapPagesBytes<Heap>);
    return nullptr;
  }
  Heap* heap = new (memory) Heap;
  if (CreateAt(heap, config)) {
    // Without the thread, calls of the heap still look at the clock.
    if (config.backgroundDecay) heap->StartBackgroundDecay();
    return heap;
  }
  heap->~Heap();
  ReleasePages(memory, kHeapPagesBytes<Heap>);
  return nullptr;
}

template <Preset P>
bool Heap<P>::CreateAt(Heap* memory, const HeapConfig& config) noexcept {
  return memory->Init(config);
}

template <Preset P>
bool Heap<P>::Init(const HeapConfig& config) noexcept {
  slabMaxBytes_ = P == Preset::kRustydb ? config.sizeClasses->maxBytes()
                                        : std::min(config.slabMaxBytes, config.sizeClasses->maxBytes());
  slabEndBytes_ = kHasSlabs && config.hardened.enabled ? 0 : slabMaxBytes_ + 1;
  largeThresholdBytes_ = config.largeThresholdBytes;
  PageHeapConfig pagesConfig;
  pagesConfig.reserveBytes = config.reserveBytes;
  pagesConfig.fit = config.fit;
  pagesConfig.dirtyCapBytes = config.dirtyCapBytes;
  pagesConfig.dirtyCapMaxBytes = config.dirtyCapMaxBytes;
  pagesConfig.hugePages = config.hugePages;
  pagesConfig.decayMs = config.decayMs;
  pagesConfig.decayCalls = config.decayCalls;
  if (!pages_.Init(pagesConfig)) return false;
  budget_.Init(config.cacheBudgetBytes);
  pages_.ShareBudget(&budget_);
  slabs_.ShareBudget(&budget_);
  arenas_.ShareBudget(&budget_);
  bool ready = pool_.Init(std::max(pages_.reservedBytes() / kMetadataShare, std::size_t{1} << 20));
  if constexpr (kHasSlabs) {
    ready =
        ready && slabs_.Init(&pages_, &pool_, config.sizeClasses, config.cacheCapBytes, config.ownMagazines);
    slabs_.RefineAsItGrows(config.refinable);
    if (config.hardened.enabled) ready = ready && hardened_.Init(&slabs_, &pages_, config.hardened);
  }
  if constexpr (kHasTransactions) ready = ready && arenas_.Init(&pages_, &pool_, config.arena);
  if constexpr (kHasLargeObjects) large_.Init(&pages_);
  if (ready) return true;
  Release();
  return false;
}

// Each part may also be one that never came up.
template <Preset P>
void Heap<P>::Release() noexcept {
  hardened_.Destroy();
  slabs_.Destroy();
  arenas_.Destroy();
  pool_.Destroy();
  pages_.Destroy();
}

template <Preset P>
void Heap<P>::Destroy(Heap* heap) noexcept {
  if (heap == nullptr) return;
  DestroyAt(heap);
  ReleasePages(heap, kHeapPagesBytes<Heap>);
}

template <Preset P>
void Heap<P>::DestroyAt(Heap* heap) noexcept {
  heap->Release();
  heap->~Heap();
}

template <Preset P>
bool Heap<P>::IsForHardened(std::size_t size, std::size_t alignment) const noexcept {
  if (!kHasSlabs || !hardened_.enabled()) return false;
  return P == Preset::kRustydb ||
         (size <= slabMaxBytes_ && slabs_.table().ClassFor(size, alignment) != SizeClassTable::kNoClass);
}

template <Preset P>
void* Heap<P>::AllocateElsewhere(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  if (IsForHardened(size, alignment)) {
    void* p = hardened_.Allocate(size, alignment, zeroed);
    if (p != nullptr) return p;
    Drain();
    return hardened_.Allocate(size, alignment, zeroed);
  }
  if constexpr (kHasLargeObjects) {
    if (IsLarge(size)) {
      void* p = large_.Allocate(size, alignment, zeroed);
      if (p != nullptr) return p;
      Drain();
      return large_.Allocate(size, alignment, zeroed);
    }
  }
  return SystemMalloc::Allocate(size, alignment, zeroed);
}

template <Preset P>
void Heap<P>::FreeElsewhere(void* p, std::size_t size, std::size_t alignment) noexcept {
  if (IsForHardened(size, alignment)) return hardened_.Free(p, size);
  if constexpr (kHasLargeObjects) {
    if (IsLarge(size)) return large_.Free(p, size, alignment);
  }
  SystemMalloc::Free(p, size, alignment);
}

template <Preset P>
void* Heap<P>::Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment) noexcept {
  const bool isHardened = IsForHardened(oldSize, alignment);
  const bool staysThere = isHardened == IsForHardened(newSize, alignment);
  if (isHardened && staysThere) {
    void* moved = hardened_.Reallocate(p, oldSize, newSize, alignment);
    if (moved != nullptr) return moved;
    Drain();
    return hardened_.Reallocate(p, oldSize, newSize, alignment);
  }
  enum class Place : std::uint8_t { kSlab, kLarge, kSystem };
  const auto placeOf = [&](std::size_t size) {
    if constexpr (kHasSlabs) {
      if (SlabClassFor(size, alignment) != SizeClassTable::kNoClass) return Place::kSlab;
    }
    if constexpr (kHasLargeObjects) {
      if (IsLarge(size)) return Place::kLarge;
    }
    return Place::kSystem;
  };
  const Place place = placeOf(oldSize);
  void* resized = nullptr;
  if (staysThere && place == placeOf(newSize)) {
    if (place == Place::kSlab) resized = slabs_.Reallocate(p, oldSize, newSize, alignment);
    if (place == Place::kLarge) resized = large_.Reallocate(p, oldSize, newSize, alignment);
    if (place == Place::kSystem) resized = SystemMalloc::Reallocate(p, oldSize, newSize, alignment);
    if (resized != nullptr) return resized;
  }
  void* moved = Allocate(newSize, alignment, false);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(oldSize, newSize));
  Free(p, oldSize, alignment);
  return moved;
}

template <Preset P>
void Heap<P>::FreeUntoldSlow(void* p, std::uint32_t tag) noexcept {
  if (hardened_.enabled()) return hardened_.Free(p);
  if (IsSlabTag(tag)) return slabs_.FreeClass(p, SlabAllocator::ClassOfTag(tag));
  RMEM_CHECK(IsLargeTag(tag) && "freed what is not a block of this heap, or is free");
  large_.Free(p, large_.UsableBytes(p), 0);
}

template <Preset P>
std::size_t Heap<P>::UsableBytes(const void* p) noexcept {
  if (hardened_.enabled()) return hardened_.UsableBytes(p);
  const std::uint32_t tag = TagOf(p);
  RMEM_CHECK((IsSlabTag(tag) || IsLargeTag(tag)) && "asked for the size of what is not a block of this heap");
  return IsLargeTag(tag) ? large_.UsableBytes(p) : slabs_.table()[SlabAllocator::ClassOfTag(tag)].bytes;
}

template <Preset P>
void* Heap<P>::ReallocateUntold(void* p, std::size_t size) noexcept {
  if (hardened_.enabled()) {
    void* moved = hardened_.Reallocate(p, size, 0);
    if (moved != nullptr) return moved;
    Drain();
    return hardened_.Reallocate(p, size, 0);
  }
  const std::uint32_t tag = TagOf(p);
  RMEM_CHECK((IsSlabTag(tag) || IsLargeTag(tag)) && "reallocated what is not a block of this heap");
  const unsigned newClass = slabs_.table().ClassFor(size);
  if (IsLargeTag(tag)) {
    // Down to where slabs begin and a bit further, lest a size that swings be copied each time.
    if (newClass == SizeClassTable::kNoClass || size > slabMaxBytes_ / 2) {
      void* resized = large_.Reallocate(p, large_.UsableBytes(p), size, 0);
      if (resized != nullptr) return resized;
    }
  } else {
    // Where it lies as long as hardly anything is lost by it.
    const std::size_t bytes = slabs_.table()[SlabAllocator::ClassOfTag(tag)].bytes;
    if (size <= bytes && (SlabAllocator::ClassOfTag(tag) == newClass || size > bytes - bytes / 4)) return p;
  }
  void* moved = Allocate(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(UsableBytes(p), size));
  FreeUntold(p);
  return moved;
}

template <Preset P>
void Heap<P>::LockAll() noexcept {
  hardened_.LockAll();
  slabs_.LockAll();
  pool_.LockAll();
  pages_.LockAll();
}

template <Preset P>
void Heap<P>::UnlockAll() noexcept {
  pages_.UnlockAll();
  pool_.UnlockAll();
  slabs_.UnlockAll();
  hardened_.UnlockAll();
}

// From what is cheapest to get again to what is dearest: blocks in magazines, chunks of arenas, pages.
template <Preset P>
std::uint64_t Heap<P>::GiveUpCaches() noexcept {
  std::uint64_t bytes = 0;
  if (hardened_.enabled()) hardened_.Purge();
  if constexpr (kHasSlabs) {
    slabs_.FlushThisThread();
    slabs_.FlushCpus();
    bytes = slabs_.Purge();
  }
  if constexpr (kHasTransactions) arenas_.Purge();
  return bytes;
}

template <Preset P>
void Heap<P>::Decay() noexcept {
  if constexpr (kHasSlabs) slabs_.Decay();
  pages_.Decay();
}

template <Preset P>
std::uint64_t Heap<P>::Purge() noexcept {
  const std::uint64_t bytes = GiveUpCaches();
  return bytes + pages_.Purge();
}

template <Preset P>
std::uint64_t Heap<P>::Compact() noexcept {
  const std::uint64_t bytes = GiveUpCaches();
  return bytes + pages_.Compact();
}

template <Preset P>
HeapStats Heap<P>::Stats() noexcept {
  HeapStats stats;
  stats.hasSlabs = kHasSlabs;
  stats.hasArenas = kHasTransactions;
  stats.hasLargeObjects = kHasLargeObjects;
  stats.pages = pages_.Stats();
  if (stats.pages.hugeAdvisedBytes != 0) stats.hugeResidentBytes = pages_.HugeResidentBytes();
  stats.metadataBytes = pool_.usedBytes();
  stats.isHardened = hardened_.enabled();
  if (stats.isHardened) stats.hardened = hardened_.Stats();
  if constexpr (kHasSlabs) stats.slabs = slabs_.Stats();
  if constexpr (kHasTransactions) stats.arenas = arenas_.Stats();
  if constexpr (kHasLargeObjects) stats.large = large_.Stats();
  return stats;
}

template <Preset P>
bool Heap<P>::IsConsistent(std::uint64_t liveSlabBlocks) noexcept {
  if constexpr (kHasSlabs) {
    const std::uint64_t quarantined = hardened_.enabled() ? hardened_.Stats().quarantinedBlocks : 0;
    if (!slabs_.IsConsistent(liveSlabBlocks + quarantined)) return false;
  }
  return pages_.IsConsistent();
}

template class Heap<Preset::kSlab>;
template class Heap<Preset::kArena>;
template class Heap<Preset::kLarge>;
template class Heap<Preset::kRustydb>;

}  // namespace rmem
