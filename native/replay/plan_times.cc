#include "replay/plan_times.h"

#include <algorithm>

#include "trace/event.h"

namespace rmem {

void PlanTimes::Take(std::uint64_t event, std::uint64_t timeNs) {
  if (timeNs == kNoTime) return;
  if (times_.empty()) {
    times_.push_back({event, timeNs, timeNs});
  } else if (timeNs > times_.back().timeNs && timeNs - times_.back().timeNs >= stepNs_) {
    times_.push_back({event, timeNs, latestNs_});
    if (times_.size() == kMost) Thin();
  }
  latestNs_ = std::max(latestNs_, timeNs);
}

void PlanTimes::Begin() {
  times_.clear();
  stepNs_ = kFirstStepNs;
  latestNs_ = 0;
}

void PlanTimes::Finish(std::uint64_t last, std::uint64_t timeNs) {
  if (times_.empty() || timeNs == kNoTime || timeNs <= times_.back().timeNs) return;
  times_.push_back({last + 1, timeNs, latestNs_});
}

/** The step doubles until half of them are left: what comes far apart is not thinned by every doubling. */
void PlanTimes::Thin() {
  while (times_.size() > kMost / 2) {
    stepNs_ *= 2;
    std::size_t kept = 1;
    for (std::size_t i = 1; i < times_.size(); ++i) {
      if (times_[i].timeNs - times_[kept - 1].timeNs >= stepNs_) times_[kept++] = times_[i];
    }
    times_.resize(kept);
  }
}

}  // namespace rmem
