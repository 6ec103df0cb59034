#pragma once

#include <array>

#include "pressure/model.h"

namespace rmem {

/** "No change": the bar for all others. */
class PersistenceModel final : public Model {
 public:
  void Tick(const TickView&) override {}
  void Restart() override {}
  double Move(int) const override { return 0; }
};

/** Least squares through the last six ticks, continued. */
class LinearModel final : public Model {
 public:
  void Tick(const TickView& view) override;
  void Restart() override { slope_ = 0; }
  double Move(int horizon) const override { return slope_ * kHorizonS[horizon]; }

 private:
  double slope_ = 0;  // bytes a second
};

/**
 * Exponential smoothing of level and trend, the trend damped (Gardner and McKenzie, Management Science 31,
 * 1985): a forecast of many ticks approaches a level rather than infinity.
 */
class HoltModel final : public Model {
 public:
  void Tick(const TickView& view) override;
  void Restart() override { begun_ = false; }
  double Move(int horizon) const override { return moves_[horizon]; }

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
class TheilSenModel final : public Model {
 public:
  void Tick(const TickView& view) override;
  void Restart() override { slope_ = 0; }
  double Move(int horizon) const override { return slope_ * kHorizonS[horizon]; }

 private:
  double slope_ = 0;
};

}  // namespace rmem
