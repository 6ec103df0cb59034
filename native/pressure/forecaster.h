#pragma once

#include <array>
#include <cstddef>

#include "pressure/any_model.h"
#include "pressure/change_detector.h"
#include "pressure/error_distribution.h"
#include "pressure/resampler.h"
#include "pressure/sample.h"
#include "pressure/tick_history.h"

namespace rmem {

/** What happened to a series with a sample. */
enum class SeriesEvent { kNone, kGap, kChange, kClock, kTotal };

/** By how much of the limit usage moves in five seconds: more than half a hundredth, more than two. */
enum class UsageTrend { kDecreasing, kStable, kIncreasing, kCritical };

/** Usage after one of kHorizonS. Bytes. */
struct HorizonForecast {
  double used = 0;
  /** Between these in nine cases of ten. */
  double low = 0;
  double high = 0;
  /** Of all that comes until then, the highest is below this in nineteen cases of twenty. */
  double highest = 0;
};

/** When usage reaches a threshold, in seconds from now. */
struct TimeToReach {
  bool heading = false;
  double earliestS = 0;
  double latestS = kUnknown;  // kUnknown: perhaps never
};

/**
 * Forecasts usage from the samples so far, with intervals that follow how wrong earlier forecasts of the same
 * series were. It knows no limit: those are asked about. Takes no memory beyond itself, and well below a
 * microsecond a sample.
 *
 * Errors are counted in units of how much the series moves at the moment, so that an interval widens with the
 * first steps of a storm. Their quantiles are steered to the coverage that was promised (Gibbs and Candès,
 * adaptive conformal inference, NeurIPS 2021; Angelopoulos, Candès and Tibshirani, conformal PID control,
 * arXiv 2307.16895).
 */
class Forecaster {
 public:
  explicit Forecaster(ModelKind kind);

  SeriesEvent Observe(const PressureSample& sample);

  /** There have been enough samples. */
  bool ready() const { return ticks_ >= kLeastTicks; }

  /** Of the last sample on. */
  HorizonForecast At(int horizon) const;

  /** The chance that usage reaches `bytes` within a horizon. */
  double ChanceOfReaching(double bytes, int horizon) const;

  /** The chance that the forecast of a horizon is off by no more than `bytes`. */
  double ChanceWithin(double bytes, int horizon) const;

  /** 1 − the mean absolute error over that of "no change", lately; kUnknown before anything can be compared.
   */
  double Skill(int horizon) const;

  /** Bytes a second, over the last minute. */
  double SlopeBytesPerS() const;

  UsageTrend Trend(double limitBytes) const;

  TimeToReach TimeTo(double bytes) const;

 private:
  static constexpr std::size_t kLeastTicks = 3;

  /**
   * Ways of measuring an error, of which those that told the narrowest true intervals lately count the most:
   * "no change" against how far the series moves at all, and the model's forecast against how far it moved in
   * twenty minutes, and in one.
   */
  enum Yardstick { kEver, kSteady, kQuick };
  static constexpr int kYardsticks = 3;

  /** What was said at a tick by one yardstick, until it can be judged. The error is in scales. */
  struct SaidInterval {
    double move = 0;
    double scale = 1;
    double low = 0;
    double high = 0;
  };

  struct Said {
    double value = 0;
    double move = 0;
    /** How far the line of the last minute leads until then, where it stands out of what is usual; 0 where it
     * does not. */
    double lineRise = 0;
    std::array<SaidInterval, kYardsticks> intervals;
    /** All yardsticks together, from `value`. */
    double lowMove = 0;
    double highMove = 0;
    double highestMove = 0;
  };

  /** What follows from the step of the grid. */
  struct Keeps {
    double tickS = 0;
    std::array<double, 3> sizes{};
    double weighing = 1;
    double skill = 1;
    std::array<std::size_t, TickHistory::kWindows> windows{};
    std::array<int, kHorizons> ticks{};
    std::array<double, kHorizons> rootTicks{};
  };

  struct Measure {
    ErrorDistribution errors;
    /** Of the highest usage on the way, over the higher of now and the forecast. */
    ErrorDistribution overshoots;
    /** The quantiles that are asked for, steered so that a twentieth falls outside on each side. */
    double lowLevel = 0.05;
    double highLevel = 0.95;
    double loss = 0;
    double weight = 1.0 / kYardsticks;

    Measure();
  };

  struct Horizon {
    Horizon();

    std::array<Measure, kYardsticks> measures;
    /** Of lines that stood out: the highest usage on the way, over what the line led to. 1: it went on. */
    ErrorDistribution lines;
    std::array<Said, TickHistory::kCapacity> said{};
    /** The largest move or error so far, in bytes: no interval reaches much further. */
    double farthest = 0;
    /** How much wider than all yardsticks together say each side is, as a factor. */
    double widerBelow = 1;
    double widerAbove = 1;
    double loss = 0;
    double persistenceLoss = 0;
  };

  void Tick(double value, double highest);
  void Restart();
  void Measured(double step);
  void Judge(int index);
  void Weigh(Horizon* horizon);
  void Say(int index);
  void SetTick(double tickS);
  double StandingOut(const TickHistory::Line& line, int index) const;
  double NetRate(const PressureSample& sample);
  const Said& Latest(int horizon) const { return horizons_[static_cast<std::size_t>(horizon)].said[at_]; }
  Said& Latest(int horizon) { return horizons_[static_cast<std::size_t>(horizon)].said[at_]; }

  AnyModel model_;
  Resampler resampler_;
  TickHistory history_;
  ChangeDetector change_;
  std::array<Horizon, kHorizons> horizons_;
  PressureSample last_;
  PressureSample rateFrom_;
  double netRate_ = kUnknown;
  /** How far a tick moves, on average, by each yardstick. */
  std::array<double, kYardsticks> sizes_{};
  Keeps keeps_;
  std::size_t ticks_ = 0;  // since the start or the last gap
  std::size_t steps_ = 0;
  std::size_t at_ = 0;
  bool changed_ = false;
};

}  // namespace rmem
