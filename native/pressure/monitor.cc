#include "pressure/monitor.h"

#include <cmath>

namespace rmem {

int HorizonOf(double seconds) {
  int found = 0;
  for (int horizon = 0; horizon < kHorizons; ++horizon)
    if (kHorizonS[horizon] <= seconds) found = horizon;
  return found;
}

Monitor::Monitor(const MonitorOptions& options)
    : options_(options), forecaster_(options.model), ladder_(options.policy) {}

SeriesEvent Monitor::Observe(const PressureSample& sample) {
  const SeriesEvent event = forecaster_.Observe(sample);
  sample_ = sample;
  limitBytes_ = LimitAt(sample, options_.limitBytes);
  confidence_.Observe(sample.timeS, sample.usedBytes, limitBytes_ > 0 ? limitBytes_ : sample.usedBytes,
                      forecaster_);
  changed_ = false;
  if (!(limitBytes_ > 0)) {
    limitBytes_ = kUnknown;
    return event;
  }
  const PressureLevel before = ladder_.level();
  const double chance = forecaster_.ready() ? CrossingChance(HorizonOf(options_.policy.aheadS)) : kUnknown;
  changed_ = ladder_.Observe(sample.timeS, sample.usedBytes / limitBytes_, chance) != before;
  return event;
}

double Monitor::CrossingChance(int horizon) const {
  return std::isnan(limitBytes_) ? kUnknown : forecaster_.ChanceOfReaching(limitBytes_, horizon);
}

TimeToReach Monitor::TimeToCritical() const {
  if (std::isnan(limitBytes_) || !forecaster_.ready()) return {};
  const int critical = static_cast<int>(PressureLevel::kCritical) - 1;
  return forecaster_.TimeTo(ladder_.thresholds()[static_cast<std::size_t>(critical)] * limitBytes_);
}

}  // namespace rmem
