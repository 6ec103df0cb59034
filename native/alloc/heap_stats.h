#pragma once

#include <cstdint>

#include "alloc/arena.h"
#include "alloc/hardened.h"
#include "alloc/large.h"
#include "alloc/page_heap.h"
#include "alloc/slab.h"

namespace rmem {

/** What a heap counted. Parts that a preset does not have stay zero and are not shown. */
struct HeapStats {
  bool hasSlabs = false;
  bool hasArenas = false;
  bool hasLargeObjects = false;
  bool isHardened = false;
  PageHeapStats pages{};
  SlabStats slabs{};
  ArenaStats arenas{};
  LargeStats large{};
  std::uint64_t hugeResidentBytes = 0;  // as the system counts them, where huge pages were advised
  HardenedStats hardened{};
  std::uint64_t metadataBytes = 0;

  using Visit = void (*)(void* context, const char* key, std::uint64_t value);
  /** Calls visit for each number, with a camelCase key that ends with its unit. Allocates nothing. */
  void ForEach(Visit visit, void* context) const noexcept;
};

}  // namespace rmem
