#pragma once

#include <cstdint>

#include "replay/plan.h"

namespace rmem {

/** What an instruction adds to the bytes alive. */
inline std::int64_t LiveDelta(const Instruction& instruction, const WideOperands* wide) {
  const auto bytes = [](std::uint64_t size) { return static_cast<std::int64_t>(size); };
  switch (instruction.op) {
    case Op::kAlloc:
    case Op::kAllocZeroed:
    case Op::kAllocAligned:
      return bytes(instruction.size);
    case Op::kFree:
    case Op::kFreeImplied:
      return -bytes(instruction.size);
    case Op::kRealloc:
      return bytes(instruction.size) - bytes(instruction.aux);
    case Op::kWideAlloc:
      return bytes(wide[instruction.size].size);
    case Op::kWideFree:
    case Op::kWideFreeImplied:
      return -bytes(wide[instruction.size].size);
    case Op::kWideRealloc:
      return bytes(wide[instruction.size].size) - bytes(wide[instruction.size].oldSize);
    default:
      return 0;
  }
}

}  // namespace rmem
