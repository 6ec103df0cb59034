#include "replay/memory_timeline.h"

#include <algorithm>

#include "replay/plan_walk.h"

namespace rmem {
namespace {

constexpr std::uint64_t kEvenLooks = 1000;
constexpr std::uint64_t kLooksInPeak = 200;

}  // namespace

MemoryTimeline::MemoryTimeline(const PlanFile& plan)
    : samples_(kEvenLooks + kLooksInPeak + 4, "the memory timeline") {
  const PlanHeader& header = plan.header();
  const std::uint64_t evenStep =
      std::max<std::uint64_t>(1, (header.instructions + kEvenLooks - 1) / kEvenLooks);
  const std::uint64_t growthStep =
      std::max<std::uint64_t>(1, (header.peakLiveBytes + kLooksInPeak - 1) / kLooksInPeak);
  std::uint64_t live = 0;
  std::uint64_t grownTo = 0;  // the highest live bytes that were looked at
  std::uint64_t lastEvent = 0;
  bool peakSeen = false;

  Add(0, 0, 0);
  WalkPlan(plan, [&](const WalkedStep& step) {
    live += static_cast<std::uint64_t>(LiveDelta(*step.instruction, plan.wide()));
    if (IsEvent(step.instruction->op)) lastEvent = step.event;
    const std::uint64_t total = step.total + 1;
    const bool atPeak = !peakSeen && live == header.peakLiveBytes;
    if (total % evenStep != 0 && live < grownTo + growthStep && !atPeak && total != header.instructions)
      return;
    grownTo = std::max(grownTo, live);
    peakSeen |= atPeak;
    Add(total, lastEvent, live);
  });
}

void MemoryTimeline::Add(std::uint64_t total, std::uint64_t event, std::uint64_t liveBytes) {
  samples_[size_++] = {total, event, liveBytes, {}};
}

void MemoryTimeline::Take() {
  MemorySample& sample = samples_[next_++];
  readable_ &= memory_.Read(&sample.reading);
  taken_.store(next_, std::memory_order_release);
}

const MemorySample& MemoryTimeline::Peak() const {
  std::size_t peak = 0;
  for (std::size_t i = 1; i < taken(); ++i) {
    if (samples_[i].reading.bytes > samples_[peak].reading.bytes) peak = i;
  }
  return samples_[peak];
}

}  // namespace rmem
