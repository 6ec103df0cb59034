#pragma once

#include <string>
#include <string_view>

#include "trace/canonical_block.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * The trailer of a canonical `.rmt`: one JSON object with the counts, the names and what was repaired and
 * dropped when the file was made (and when the file it was made from was made), and the call sites.
 */
std::string WriteTrailer(const TraceInfo& info, const CanonicalCounters& counters);

/** Puts the report of a trailer into `info.origin`, the call sites into `info.callSites`, and returns the
 * number of events it tells. Throws TraceError `damaged-block`. */
std::uint64_t ReadTrailer(std::string_view json, TraceInfo& info);

}  // namespace rmem
