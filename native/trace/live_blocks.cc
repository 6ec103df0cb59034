#include "trace/live_blocks.h"

#include <sys/random.h>

namespace rmem {
namespace {

std::uint64_t RandomOddNumber() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != static_cast<ssize_t>(sizeof(number))) {
    // Early at boot there may be no randomness yet; where the stack lies is some.
    number = reinterpret_cast<std::uintptr_t>(&number) * 0x9e3779b97f4a7c15u;
  }
  return number | 1;
}

}  // namespace

const std::uint64_t kAddressMultiplier = RandomOddNumber();

}  // namespace rmem
