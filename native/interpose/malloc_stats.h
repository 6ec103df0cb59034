#pragma once

#include "alloc/heap_stats.h"

namespace rmem {

/** What the heap of the drop-in malloc counted until now. */
HeapStats MallocHeapStats() noexcept;

}  // namespace rmem
