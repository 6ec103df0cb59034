#pragma once

#include <array>

#include "pressure/model.h"

namespace rmem {

/** "No change": the bar for all others. */
class PersistenceModel {
 public:
  void Tick(const TickView&) {}
  void Restart() {}
  void Change() {}
  double Move(int) const { return 0; }
};

/** Least squares through the last six ticks, continued. */
class LinearModel {
 public:
  void Tick(const TickView& view);
  void Restart() { slope_ = 0; }
  void Change() {}
  double Move(int horizon) const { return slope_ * kHorizonS[horizon]; }

 private:
  double slope_ = 0;  // bytes a second
};

/**
 * Exponential smoothing of level and trend, the trend damped (Gardner and McKenzie, Management Science 31,
 * 1985): a forecast of many ticks approaches a level rather than infinity.
 */
class HoltModel {
 public:
  void Tick(const TickView& view);
  void Restart() { begun_ = false; }
  void Change() {}
  double Move(int horizon) const { return moves_[horizon]; }

 private:
  bool begun_ = false;
  double level_ = 0;
  double trend_ = 0;  // bytes a tick
  std::array<double, kHorizons> moves_{};
  /** What a trend comes to within each horizon, as it is damped. */
  double tickS_ = 0;
  std::array<double, kHorizons> reach_{};
};

/** The median of the slopes between all pairs of the last sixteen ticks (Sen, JASA 63, 1968), continued. */
class TheilSenModel {
 public:
  void Tick(const TickView& view);
  void Restart() { slope_ = 0; }
  void Change() {}
  double Move(int horizon) const { return slope_ * kHorizonS[horizon]; }

 private:
  double slope_ = 0;
};

}  // namespace rmem
