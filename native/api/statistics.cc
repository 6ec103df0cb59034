#include "api/api_heap.h"

int rustydb_mem_heap_get_statistics(rustydb_mem_heap* heap, rustydb_mem_heap_statistics* statistics) {
  const rmem::HeapStats stats = heap->heap.Stats();
  rustydb_mem_heap_statistics full{};
  full.reserved_bytes = stats.pages.reservedBytes;
  full.committed_bytes = stats.pages.committedBytes;
  full.live_bytes = stats.pages.liveBytes;
  full.dirty_bytes = stats.pages.dirtyBytes;
  full.clean_bytes = stats.pages.cleanBytes;
  full.huge_advised_bytes = stats.pages.hugeAdvisedBytes;
  full.metadata_bytes = stats.metadataBytes;
  full.largest_free_bytes = stats.pages.largestFreeBytes;
  full.free_region_bytes = stats.pages.freeRegionBytes;
  full.purged_bytes = stats.pages.purgedBytes;
  full.slab_bytes = stats.slabs.slabBytes;
  full.slab_free_bytes = stats.slabs.depotFreeBytes;
  full.large_live_bytes = stats.large.liveBytes;
  full.large_allocations = stats.large.allocations;
  full.large_frees = stats.large.frees;
  full.transactions_committed = stats.arenas.committed;
  full.transactions_rolled_back = stats.arenas.aborted;
  full.transaction_requests_refused = stats.arenas.refused;
  return rmem::GiveStatistics(full, statistics);
}

void rustydb_mem_heap_visit_statistics(rustydb_mem_heap* heap, rustydb_mem_statistics_visitor visit,
                                       void* context) {
  heap->heap.Stats().ForEach(visit, context);
}
