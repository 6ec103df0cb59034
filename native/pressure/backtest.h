#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "pressure/model.h"
#include "pressure/policy.h"
#include "pressure/series_view.h"

namespace rmem {

/** What stops a backtest that another thread no longer wants. */
using StopFlag = std::atomic<bool>;

/** Sums over the scored samples of a series, for one horizon. Bytes. */
struct HorizonScore {
  std::uint64_t samples = 0;
  double error = 0;             // |forecast − usage|
  double persistenceError = 0;  // |usage now − usage then|
  std::uint64_t covered = 0;    // between low and high
  double width = 0;             // high − low
  double pinball = 0;           // of low and high, as quantiles 0.05 and 0.95
  /** Of "no change" with the quantiles of its errors, taken from the whole series, which no forecaster can
   * know. */
  double hindsightPinball = 0;
  /** The same with the quantiles of the errors that were known by then. */
  double persistencePinball = 0;
  /** The samples after which usage moves by more than a hundredth of the whole. */
  std::uint64_t movingSamples = 0;
  double movingError = 0;
  double movingPersistenceError = 0;
  std::uint64_t movingCovered = 0;
  /** error and persistenceError of ten minutes each, for a bootstrap that keeps what belongs together. */
  std::vector<std::array<double, 2>> blocks;
};

/** Forecasts of one chance, and how often it came true. */
struct ReliabilityBin {
  std::uint64_t samples = 0;
  double chance = 0;  // sum
  std::uint64_t cameTrue = 0;
};
inline constexpr int kReliabilityBins = 10;
using Reliability = std::array<ReliabilityBin, kReliabilityBins>;

struct Alarm {
  double beginS = 0;
  double endS = 0;
  /** As it began: share of the limit, and the chance to reach it within policy.aheadS. */
  double usage = 0;
  double chance = 0;
  /** By chance; else by usage. */
  bool ahead = false;
  bool isTrue = false;
};

/** What one way of alarming did under one limit. */
struct AlarmScore {
  std::vector<Alarm> alarms;  // those closer than 60 s are one
  std::uint64_t trueAlarms = 0;
  std::uint64_t falseAlarms = 0;
  bool caught = false;      // by a true alarm
  double leadS = kUnknown;  // of the first true one
};

/** Ways of alarming: by the policy, and usage at 80, 90 and 95 % of the limit. */
enum class AlarmKind { kPolicy, kStatic80, kStatic90, kStatic95 };
inline constexpr int kAlarmKinds = 4;

struct LimitScore {
  double limitBytes = kUnknown;  // kUnknown: the total of each sample
  /** First time at the limit; kUnknown: never. Nothing behind it counts. */
  double outS = kUnknown;
  /** Could have been seen thirty seconds ahead by anybody. */
  bool warnable = false;
  /** Observed: without gaps, and without the ten minutes before running out. */
  double benignS = 0;
  std::array<AlarmScore, kAlarmKinds> alarms;
  /** Of the chance to reach the limit within policy.aheadS. */
  double brier = 0;
  std::uint64_t brierSamples = 0;
  Reliability reliability{};
};

struct SeriesScore {
  std::uint64_t samples = 0;
  double spanS = 0;
  double typicalStepS = 0;
  double highestBytes = 0;
  std::uint64_t gaps = 0;
  std::uint64_t changes = 0;
  /** Mean |usage after a minute − usage| over the whole: what decides whether an origin moves. */
  double meanMoveShare = 0;
  std::array<HorizonScore, kHorizons> horizons;
  /** Of the confidence: the chance to be off by at most a hundredth of the whole after a minute. */
  Reliability confidence{};
  std::vector<LimitScore> limits;
};

struct BacktestOptions {
  ModelKind model = ModelKind::kAdaptive;
  PressurePolicy policy;
  /** kUnknown in it: the total of each sample. */
  std::vector<double> limits;
};

/** Plays a series through the forecaster as if it were live. Scores a sample a second at most. */
SeriesScore Backtest(const SeriesView& series, const BacktestOptions& options, const StopFlag& stop);

/** First time at the limit; kUnknown: never. */
double RunsOutAtS(const SeriesView& series, double limitBytes);

}  // namespace rmem
