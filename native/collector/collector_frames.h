#pragma once

#include <cstdint>
#include <string_view>

#include "collector/recorded_process.h"

namespace rmem::record {

/** What all processes of a recording wrote so far. */
struct CollectorTotals {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t processes = 0;
  std::uint64_t alive = 0;
  std::uint64_t residentBytes = 0;  // of those alive, at the last look at them
};

/**
 * What the collector says on standard output, a line of JSON each:
 *
 *   {"frame":"ready","folder":…}                              programs may be started now
 *   {"frame":"progress","events":…,"bytes":…,"dropped":…,"processes":…,"alive":…,"residentBytes":…,
 *    "recording":…}                                           about four times a second
 *   {"frame":"stopped","why":"for"|"max-events"|"max-size"|"asked"}   the recording has stopped, the program
 * goes on
 *   {"frame":"failure","code":…,"message":…}                  the recording has stopped for a reason that is
 * none of ours
 *   {"frame":"process",…}                                     one for each process, in the order they came
 *   {"frame":"end","mallocNsPerEvent":…}                      what the C library's malloc costs here, in a
 * short loop
 *
 * The listener may go away at any time, or stop listening; the recording goes on.
 */
void SayReady(std::string_view folder);
void SayProgress(const CollectorTotals& totals, bool recording);
void SayStopped(std::string_view why);
void SayFailure(std::string_view code, std::string_view message);
void SayProcess(const RecordedProcess& process, std::uint64_t inherited);
void SayEnd(double mallocNsPerEvent);

}  // namespace rmem::record
