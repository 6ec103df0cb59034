#pragma once

#include "alloc/heap_config.h"

namespace rmem {

/**
 * Reads the file that RUSTYDB_MEM_CONFIG names, if it names one, into `config`, which then uses `classes`.
 * Ends the program with one line on standard error and exit status 1 where the file is wrong. A program that
 * runs with more rights than its caller does not look at the variable. Allocates nothing, and works before
 * the C library is ready.
 */
void ReadHeapConfig(HeapConfig* config, SizeClassTable* classes) noexcept;

}  // namespace rmem
