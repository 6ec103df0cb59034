#pragma once

#include "pressure/action_ladder.h"
#include "pressure/confidence.h"
#include "pressure/forecaster.h"
#include "pressure/policy.h"
#include "pressure/sample.h"

namespace rmem {

struct MonitorOptions {
  ModelKind model = ModelKind::kAdaptive;
  /** Of all samples; kUnknown: the total of each. Without either there are forecasts, but no levels. */
  double limitBytes = kUnknown;
  PressurePolicy policy;
};

/** The forecaster and the ladder of a policy under one limit: what a live watch and a replay look at. */
class Monitor {
 public:
  explicit Monitor(const MonitorOptions& options);

  SeriesEvent Observe(const PressureSample& sample);

  const Forecaster& forecaster() const { return forecaster_; }
  const ActionLadder& ladder() const { return ladder_; }
  const PressureSample& sample() const { return sample_; }
  /** kUnknown without one. */
  double limitBytes() const { return limitBytes_; }
  /** The level is another than a sample ago. */
  bool changed() const { return changed_; }
  /** Of reaching the limit within a horizon; kUnknown without a limit. */
  double CrossingChance(int horizon) const;
  /** That the forecast of a minute is off by at most a hundredth of the limit, or of usage; kUnknown at
   * first. */
  double confidence() const { return confidence_.chance(); }
  TimeToReach TimeToCritical() const;

 private:
  MonitorOptions options_;
  Forecaster forecaster_;
  ActionLadder ladder_;
  Confidence confidence_;
  PressureSample sample_;
  double limitBytes_ = kUnknown;
  bool changed_ = false;
};

/** The last of kHorizonS that isn't behind `seconds`; the first where all are. */
int HorizonOf(double seconds);

}  // namespace rmem
