#pragma once

namespace rmem::record {

/**
 * What a call of the malloc family costs here, in ns: half a pair of malloc and free of mixed small sizes
 * with some hundred blocks alive, in a loop of a few milliseconds. A lower bound for a program whose caches
 * are full of other things.
 */
double MallocNsPerEvent();

}  // namespace rmem::record
