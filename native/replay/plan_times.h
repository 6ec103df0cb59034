#pragma once

#include <cstdint>
#include <vector>

#include "replay/plan.h"

namespace rmem {

/**
 * Chooses the events of a trace at which a replay may look at a time of the trace: a millisecond apart, or,
 * where that would be more than kMost, as many times that as it takes. So a trace of any length has some
 * thousand of them, spread evenly over its time, and the same events give the same ones.
 */
class PlanTimes {
 public:
  static constexpr std::size_t kMost = 4096;

  /** An event that changes memory, in the order of the trace; `timeNs` may be kNoTime. */
  void Take(std::uint64_t event, std::uint64_t timeNs);
  /** What came so far was the opening, whose time is nobody's: it begins with the next event. */
  void Begin();
  /** The trace ends behind event `last`, at this time. */
  void Finish(std::uint64_t last, std::uint64_t timeNs);

  const std::vector<PlanTime>& times() const { return times_; }

 private:
  void Thin();

  std::vector<PlanTime> times_;
  static constexpr std::uint64_t kFirstStepNs = 1'000'000;
  std::uint64_t stepNs_ = kFirstStepNs;
  std::uint64_t latestNs_ = 0;  // time only goes forward here
};

}  // namespace rmem
