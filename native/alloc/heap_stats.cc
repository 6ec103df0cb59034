#include "alloc/heap_stats.h"

namespace rmem {

void HeapStats::ForEach(Visit visit, void* context) const noexcept {
  const auto show = [&](const char* key, std::uint64_t value) { visit(context, key, value); };
  show("reservedBytes", pages.reservedBytes);
  show("committedBytes", pages.committedBytes);
  show("liveBytes", pages.liveBytes);
  show("dirtyBytes", pages.dirtyBytes);
  show("cleanBytes", pages.cleanBytes);
  show("hugeAdvisedBytes", pages.hugeAdvisedBytes);
  show("hugeResidentBytes", hugeResidentBytes);
  show("dirtyCapBytes", pages.dirtyCapBytes);
  show("metadataBytes", metadataBytes);
  show("runAllocations", pages.allocations);
  show("runFreeListHits", pages.freeListHits);
  show("runFrees", pages.frees);
  show("runCoalesces", pages.coalesces);
  show("runFailures", pages.failures);
  show("freeRegions", pages.freeRegions);
  show("freeRegionBytes", pages.freeRegionBytes);
  show("largestFreeBytes", pages.largestFreeBytes);
  show("purges", pages.purges);
  show("purgedBytes", pages.purgedBytes);
  show("decayedBytes", pages.decayedBytes);
  if (hasSlabs) {
    show("slabs", slabs.slabs);
    show("slabBytes", slabs.slabBytes);
    show("slabDepotFreeBytes", slabs.depotFreeBytes);
    show("slabReleasedBytes", slabs.releasedBytes);
    show("slabsCreated", slabs.slabsCreated);
    show("slabsReleased", slabs.slabsReleased);
    show("magazineRefills", slabs.refills);
    show("magazineRefilledBlocks", slabs.refilledBlocks);
    show("magazineFlushes", slabs.flushes);
    show("magazineFlushedBlocks", slabs.flushedBlocks);
  }
  if (hasArenas) {
    show("arenaCommitted", arenas.committed);
    show("arenaInherited", arenas.inherited);
    show("arenaAborted", arenas.aborted);
    show("arenaChunks", arenas.chunks);
    show("arenaCachedChunks", arenas.cachedChunks);
    show("arenaRegions", arenas.regions);
    show("arenaGrowths", arenas.growths);
    show("arenaPastLimit", arenas.pastLimit);
    show("arenaRefused", arenas.refused);
    show("arenaUsedBytes", arenas.usedBytes);
    show("arenaHeldBytes", arenas.heldBytes);
    show("arenaWasteBytes", arenas.wasteBytes);
    show("arenaReclaimedBytes", arenas.reclaimedBytes);
  }
  if (hasLargeObjects) {
    show("largeAllocations", large.allocations);
    show("largeFrees", large.frees);
    show("largeLiveBytes", large.liveBytes);
    show("largeGrownInPlace", large.grownInPlace);
    show("largeMoved", large.moved);
    show("largeCopied", large.copied);
  }
  if (isHardened) {
    show("hardenedGuardedAllocations", hardened.guardedAllocations);
    show("hardenedGuardsRefused", hardened.guardsRefused);
    show("hardenedCheckedFrees", hardened.checkedFrees);
    show("hardenedQuarantinedBlocks", hardened.quarantinedBlocks);
    show("hardenedQuarantinedBytes", hardened.quarantinedBytes);
    show("hardenedQuarantinedRuns", hardened.quarantinedRuns);
  }
}

}  // namespace rmem
