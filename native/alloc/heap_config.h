#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/arena_profile.h"
#include "alloc/free_regions.h"
#include "alloc/size_classes.h"

namespace rmem {

/** Hardened mode: see alloc/hardened.h. */
struct HardenedConfig {
  bool enabled = false;
  /** What freed blocks hold before they may be used again. 0: no quarantine. */
  std::size_t quarantineBytes = std::size_t{1} << 20;
  /** Every so many-th block gets pages of its own and a guard behind it. 0: only those without a class. */
  std::uint32_t guardEvery = 1024;
};

/** What a heap can be told. A plain struct: every default is the one in the documentation. */
struct HeapConfig {
  /** Address space to reserve; the system may allow less. 0: 256 GiB. Costs no memory. */
  std::size_t reserveBytes = 0;

  /** What all caches of the heap may hold together: magazines of threads, chunks that arenas keep, and, in
   * what these leave, dirty pages. */
  std::size_t cacheBudgetBytes = std::size_t{128} << 20;

  /** Largest request that the slab preset serves. The rustydb preset uses the whole table of classes. */
  std::size_t slabMaxBytes = 4096;
  const SizeClassTable* sizeClasses = &SizeClassTable::Default();

  /** The same table again where it was coarsened, so that it can be refined: only for a heap whose blocks are
   * freed without being told their sizes. */
  SizeClassTable* refinable = nullptr;

  /** What the magazines of all threads may hold in all before they stop growing beyond their first size. */
  std::size_t cacheCapBytes = std::size_t{64} << 20;

  /** So many threads have magazines of their own; those beyond share the magazines of CPUs, where the system
   * has restartable sequences. 0: sixteen a CPU. */
  std::uint32_t ownMagazines = 0;

  /** Requests above this are large objects in the large preset. */
  std::size_t largeThresholdBytes = std::size_t{256} << 10;
  Fit fit = Fit::kBest;
  /** Dirty free memory kept for reuse; exceeding it purges down to half of it. It is doubled, up to the
   * maximum, where what was purged is needed again, and halved, down to a quarter, where it is not. */
  std::size_t dirtyCapBytes = std::size_t{8} << 20;
  std::size_t dirtyCapMaxBytes = std::size_t{64} << 20;
  /** Dirty memory that nobody has needed for this long is purged; 0: never by time. */
  std::uint32_t decayMs = 10'000;
  /** So many calls of the page heap count as much as that time: a program in a hurry shall not keep for
   * seconds what it will not need. 0: only time counts. */
  std::uint32_t decayCalls = 16'384;
  /** Heap::Create starts a thread that sees to it when nobody calls the heap. A child made by fork has none
   * until it asks (StartBackgroundDecay). */
  bool backgroundDecay = false;
  /** Large objects of 2 MiB and more are aligned to, and advised as, huge pages. */
  bool hugePages = true;

  ArenaConfig arena;

  HardenedConfig hardened;
};

}  // namespace rmem
