#include "collector/malloc_cost.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/clock.h"
#include "base/random.h"

namespace rmem::record {

double MallocNsPerEvent() {
  constexpr std::size_t kAlive = 512;
  constexpr std::uint64_t kPairs = 200'000;
  static std::array<void* volatile, kAlive> blocks{};
  Random random(1);
  std::array<std::uint32_t, 1024> choices;  // slot and size, drawn before the clock starts
  for (std::uint32_t& choice : choices) choice = static_cast<std::uint32_t>(random.Next() >> 32);
  const std::uint64_t start = ThreadCpuNs();
  for (std::uint64_t i = 0; i < kPairs; ++i) {
    const std::uint32_t choice = choices[i % choices.size()];
    void* volatile& block = blocks[choice % kAlive];
    std::free(block);
    block = std::malloc(16 + (choice >> 16) % 500);
  }
  const std::uint64_t spent = ThreadCpuNs() - start;
  for (void* volatile& block : blocks) std::free(block);
  return static_cast<double>(spent) / (2.0 * kPairs);
}

}  // namespace rmem::record
