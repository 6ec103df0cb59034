#pragma once

#include <cstdint>

namespace rmem {

/**
 * How fast this CPU goes now: the time of a fixed piece of work, about 20 µs of it, in ns.
 *
 * The work keeps the issue slots of a core full with independent additions and touches no memory, so that it
 * slows down with the other half of the core, with the frequency and with a hypervisor that takes time away:
 * with what slows down a pass without being the allocator's. Taken before and after a pass it tells whether
 * the pass may be believed.
 */
std::uint64_t ProbeSpeed();

}  // namespace rmem
