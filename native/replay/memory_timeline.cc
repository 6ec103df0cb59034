#include "replay/memory_timeline.h"

#include <algorithm>

#include "replay/plan_walk.h"
#include "replay/pressure_relief.h"

namespace rmem {
namespace {

constexpr std::uint64_t kEvenLooks = 1000;
constexpr std::uint64_t kLooksInPeak = 200;

}  // namespace

MemoryTimeline::MemoryTimeline(const PlanFile& plan, bool timed)
    : samples_(kEvenLooks + kLooksInPeak + 4 + (timed ? plan.times().size() : 0), "the memory timeline") {
  const PlanHeader& header = plan.header();
  const std::span<const PlanTime> times = timed ? plan.times() : std::span<const PlanTime>();
  const std::uint64_t evenStep =
      std::max<std::uint64_t>(1, (header.instructions + kEvenLooks - 1) / kEvenLooks);
  const std::uint64_t growthStep =
      std::max<std::uint64_t>(1, (header.peakLiveBytes + kLooksInPeak - 1) / kLooksInPeak);
  std::uint64_t live = 0;
  std::uint64_t allocated = 0;
  std::uint64_t grownTo = 0;  // the highest live bytes that were looked at
  std::uint64_t lastEvent = 0;
  std::size_t nextTime = 0;
  bool peakSeen = false;
  const auto add = [&](std::uint64_t total) -> MemorySample& {
    MemorySample& sample = At(total);
    sample.event = lastEvent;
    sample.liveBytes = live;
    sample.allocatedBytes = allocated;
    return sample;
  };
  const auto timesUpTo = [&](std::uint64_t event, std::uint64_t total) {
    for (; nextTime < times.size() && times[nextTime].event <= event; ++nextTime) {
      MemorySample& sample = add(total);
      sample.timed = true;
      sample.timeNs = times[nextTime].timeNs;
      sample.sinceNs = times[nextTime].sinceNs;
    }
  };

  add(0).weighs = true;
  WalkPlan(plan, [&](const WalkedStep& step) {
    timesUpTo(step.event, step.total);
    const std::int64_t delta = LiveDelta(*step.instruction, plan.wide());
    live += static_cast<std::uint64_t>(delta);
    if (delta > 0) allocated += static_cast<std::uint64_t>(delta);
    if (IsEvent(step.instruction->op)) lastEvent = step.event;
    const std::uint64_t total = step.total + 1;
    const bool atPeak = !peakSeen && live == header.peakLiveBytes;
    if (total % evenStep != 0 && live < grownTo + growthStep && !atPeak && total != header.instructions)
      return;
    grownTo = std::max(grownTo, live);
    peakSeen |= atPeak;
    add(total).weighs = true;
  });
  timesUpTo(~std::uint64_t{0}, header.instructions);
}

/** The look after so many instructions; the last one, or a new one behind it. */
MemorySample& MemoryTimeline::At(std::uint64_t total) {
  if (size_ > 0 && samples_[size_ - 1].total == total) return samples_[size_ - 1];
  samples_[size_].total = total;
  return samples_[size_++];
}

void MemoryTimeline::Take() {
  MemorySample& sample = samples_[next_++];
  readable_ &= memory_.Read(&sample.reading);
  if (relief_ != nullptr && sample.timed) relief_->Observe(sample, &memory_);
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
