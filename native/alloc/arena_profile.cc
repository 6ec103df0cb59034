#include "alloc/arena_profile.h"

#include <algorithm>

namespace rmem {

void ArenaUsage::Observe(std::uint64_t bytes) noexcept {
  bytes = std::max<std::uint64_t>(bytes, 1);
  if (!known()) {
    meanBytes = bytes;
    spreadBytes = bytes / 2;
    return;
  }
  const std::uint64_t distance = bytes > meanBytes ? bytes - meanBytes : meanBytes - bytes;
  spreadBytes = spreadBytes - spreadBytes / 4 + distance / 4;
  meanBytes =
      std::max<std::uint64_t>(bytes > meanBytes ? meanBytes + distance / 8 : meanBytes - distance / 8, 1);
}

unsigned ArenaProfileFor(const ArenaConfig& config, std::uint64_t estimateBytes) noexcept {
  unsigned profile = 0;
  while (profile + 1 < kArenaProfiles && estimateBytes >= config.profiles[profile].usualBytes) ++profile;
  return profile;
}

}  // namespace rmem
