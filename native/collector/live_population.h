#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rmem::record {

struct LiveBlock {
  std::uint64_t address;
  std::uint64_t size;
};

/**
 * The blocks alive at `ticks` in the raw recording at `path`, by address. Within an address the latest moment
 * wins, so the threads need not be merged; memory is an entry for every address that was ever used. Throws
 * TraceError.
 */
std::vector<LiveBlock> LiveAt(const std::string& path, std::uint64_t ticks);

/**
 * Gives the raw recording of a child made by fork the blocks it was born with: allocs by `thread` at `ticks`,
 * in front of everything else, then the mark `start`. Returns 0 or an errno; the file is what it was, or
 * complete.
 */
int PrependPopulation(const std::string& path, const std::vector<LiveBlock>& blocks, std::uint64_t thread,
                      std::uint64_t ticks);

}  // namespace rmem::record
