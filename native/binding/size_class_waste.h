#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/trace_analysis.h"

namespace rmem {

/** What a rounding of sizes takes beyond what was asked for. */
struct RoundingWaste {
  std::uint64_t requestedBytes = 0;
  std::uint64_t wastedBytes = 0;
};

struct WastefulSize {
  std::uint64_t size = 0;
  std::uint64_t servedBytes = 0;
  std::uint64_t births = 0;
  std::uint64_t wastedBytes = 0;  // over all births
};

/** Internal waste of one way to round sizes: no headers of slabs, no free blocks, no pages. */
struct ClassWaste {
  std::string rounding;
  RoundingWaste atPeak, overBirths;
  std::vector<WastefulSize> worst;  // the five that waste most over all births, most wasteful first
};

/**
 * What each of these would waste on sizes of that use:
 *   rustydb          our own size classes, whole pages above them
 *   jemalloc         16-byte steps to 128, then four classes a doubling; mimalloc 2 has the same up to 128
 * KiB eight-a-doubling the same with eight classes a doubling, above 128 bytes power-of-two     the buddy
 * system and early slabs; 16 bytes at least glibc            a header of 8 bytes, then multiples of 16, 32 at
 * least; mapped blocks are left out of account
 */
std::vector<ClassWaste> WasteOfSizeClasses(std::span<const SizeUse> sizes);

}  // namespace rmem
