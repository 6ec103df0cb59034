#include "replay/plan_walk.h"

namespace rmem {

std::uint64_t EventOf(const PlanFile& plan, std::uint32_t stream, std::uint64_t position) {
  const std::span<const Instruction> instructions = plan.instructions(stream);
  std::uint64_t start = 0;
  for (const PlanRun& run : plan.runs()) {
    if (run.stream != stream) continue;
    if (position >= start + run.count) {
      start += run.count;
      continue;
    }
    std::uint64_t event = run.firstEvent;
    for (std::uint64_t i = start; i < position; ++i) event += IsEvent(instructions[i].op) ? 1 : 0;
    return event;
  }
  return 0;
}

}  // namespace rmem
