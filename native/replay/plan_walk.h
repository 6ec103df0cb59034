#pragma once

#include <cstdint>
#include <vector>

#include "replay/live_delta.h"
#include "replay/plan_file.h"

namespace rmem {

/** Whether an instruction is an event of the trace: what the numbering of the runs counts. */
inline bool IsEvent(Op op) {
  return op <= Op::kThreadEnd && op != Op::kFreeImplied && op != Op::kWideFreeImplied;
}

/** One instruction, met in the total order. */
struct WalkedStep {
  const Instruction* instruction;
  PlanSection section;
  std::uint32_t stream;
  std::uint64_t position;  // instructions of its stream before it
  std::uint64_t total;     // instructions of all streams before it
  std::uint64_t event;     // number of the event it belongs to
};

/** Meets every instruction in the total order. The runs must fit the streams (PlanCheck sees to that). */
template <class Visit>
void WalkPlan(const PlanFile& plan, Visit&& visit) {
  std::vector<std::uint64_t> positions(plan.header().streamCount, 0);
  WalkedStep step{};
  for (const PlanSection section : {kOpening, kMeasured, kClosing}) {
    step.section = section;
    for (const PlanRun& run : plan.runs(section)) {
      const Instruction* instructions = plan.instructions(run.stream).data();
      std::uint64_t& position = positions[run.stream];
      step.stream = run.stream;
      step.event = run.firstEvent;
      for (std::uint32_t i = 0; i < run.count; ++i, ++position, ++step.total) {
        step.instruction = instructions + position;
        step.position = position;
        visit(static_cast<const WalkedStep&>(step));
        if (IsEvent(step.instruction->op)) ++step.event;
      }
    }
  }
}

/** The number in the trace of the event that a stream's instruction belongs to; 0 where there is none. */
std::uint64_t EventOf(const PlanFile& plan, std::uint32_t stream, std::uint64_t position);

}  // namespace rmem
