#pragma once

#include <cstdint>

namespace rmem::record {

/** Memory that is a thread's stack, and may be read. */
struct StackBounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
  bool Holds(std::uintptr_t address) const { return address >= low && address < high; }
};

/** The stack that holds `address`, of the calling thread, or nothing. Reads /proc/self/maps; calls no malloc.
 */
StackBounds FindStack(std::uintptr_t address);

}  // namespace rmem::record
