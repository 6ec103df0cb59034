#include "replay/replayed_peak.h"

#include <algorithm>

#include "replay/plan_walk.h"

namespace rmem {

ReplayedPeak::ReplayedPeak(const PlanFile& plan, const StreamCell* cells)
    : cells_(cells),
      streams_(plan.header().streamCount),
      recorded_(plan.windows().size(), "the windows of the plan") {
  std::int64_t live = 0;
  std::uint32_t window = kNoWindow;
  WalkPlan(plan, [&](const WalkedStep& step) {
    if (step.instruction->op == Op::kWindow) {
      const std::uint32_t entered = step.instruction->size;
      // The total order only ever goes on to later windows; a stream that is behind comes later.
      if (window == kNoWindow || entered > window) {
        window = entered;
        recorded_[window].peak = live;
      }
    }
    live += LiveDelta(*step.instruction, plan.wide());
    if (window == kNoWindow) {
      outsideWindows_ = std::max(outsideWindows_, live);
    } else {
      recorded_[window].peak = std::max(recorded_[window].peak, live);
      recorded_[window].atEnd = live;
    }
  });
  Reset();
}

void ReplayedPeak::CompleteWindow(std::uint32_t window) {
  std::int64_t live = 0;
  for (std::uint32_t i = 0; i < streams_; ++i) live += cells_[i].live.load(std::memory_order_relaxed);
  const Recorded& recorded = recorded_[window];
  const std::int64_t reached = std::max(live, recorded.peak + (live - recorded.atEnd));
  std::int64_t peak = peak_.load(std::memory_order_relaxed);
  while (reached > peak && !peak_.compare_exchange_weak(peak, reached)) {
  }
}

}  // namespace rmem
