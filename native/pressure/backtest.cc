#include "pressure/backtest.h"

#include <algorithm>
#include <cmath>

#include "pressure/action_ladder.h"
#include "pressure/confidence.h"
#include "pressure/error_distribution.h"
#include "pressure/forecaster.h"
#include "pressure/monitor.h"

namespace rmem {
namespace {

constexpr double kScoreEveryS = 1;
constexpr double kBlockS = 600;
constexpr double kMovingShare = 0.01;
constexpr double kMergeS = 60;
constexpr double kEarliestLeadS = 600;
constexpr double kLatestLeadS = 30;
constexpr double kStandsS = 60;
constexpr double kStaticThresholds[kAlarmKinds] = {0, 0.80, 0.90, 0.95};
/** Errors that the quantiles of hindsight are taken from, at most. */
constexpr std::size_t kHindsightErrors = 1'000'000;

/** What usage is measured against where shares are asked for: the total, or the highest usage where nobody
 * knows one. */
class Whole {
 public:
  explicit Whole(const SeriesView& series) : series_(series) {
    for (const double used : series.usedBytes) highest_ = std::max(highest_, used);
  }
  double At(std::size_t at) const {
    if (series_.totalBytes.empty() || !(series_.totalBytes[at] > 0)) return highest_;
    return series_.totalBytes[at];
  }
  double highest() const { return highest_; }

 private:
  const SeriesView& series_;
  double highest_ = 0;
};

/** Usage at times that only increase, on the line between samples. */
class Ahead {
 public:
  Ahead(const SeriesView& series, double longestStepS) : series_(series), longestStepS_(longestStepS) {}

  /** kUnknown behind the end and inside of gaps. A gap on the way from sample `from` counts too. */
  double At(double timeS, std::size_t from) {
    while (at_ < series_.size() && series_.timeS[at_] < timeS) {
      if (at_ > 0 && series_.timeS[at_] - series_.timeS[at_ - 1] > longestStepS_) gapAt_ = at_;
      ++at_;
    }
    if (at_ == series_.size() || at_ == 0) return kUnknown;
    const double step = series_.timeS[at_] - series_.timeS[at_ - 1];
    if (step > longestStepS_ || gapAt_ > from) return kUnknown;
    const double part = (timeS - series_.timeS[at_ - 1]) / step;
    return series_.usedBytes[at_ - 1] + part * (series_.usedBytes[at_] - series_.usedBytes[at_ - 1]);
  }

 private:
  const SeriesView& series_;
  double longestStepS_;
  std::size_t at_ = 0;
  std::size_t gapAt_ = 0;
};

double TypicalStepS(const SeriesView& series) {
  std::vector<double> steps;
  const std::size_t stride = std::max<std::size_t>(1, series.size() / 10'000);
  for (std::size_t at = 1; at < series.size(); at += stride)
    steps.push_back(series.timeS[at] - series.timeS[at - 1]);
  if (steps.empty()) return 0;
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), steps.end());
  return steps[steps.size() / 2];
}

double Pinball(double value, double quantile, double level) {
  return value >= quantile ? level * (value - quantile) : (1 - level) * (quantile - value);
}

void AddTo(Reliability* reliability, double chance, bool cameTrue) {
  const int bin = std::clamp(static_cast<int>(chance * kReliabilityBins), 0, kReliabilityBins - 1);
  ReliabilityBin& each = (*reliability)[static_cast<std::size_t>(bin)];
  ++each.samples;
  each.chance += chance;
  each.cameTrue += cameTrue;
}

/**
 * The errors of "no change" for one horizon, known only when their time has come. What is beyond the bins of
 * the fine distribution is told by the coarse one, which reaches to `highest`: a bar that could not say how
 * large its errors are would be too low.
 */
class PersistenceQuantiles {
 public:
  explicit PersistenceQuantiles(double highest)
      : fine_{highest / 256, ErrorDistribution(kForever)},
        coarse_{highest / 64, ErrorDistribution(kForever)} {}

  void Expect(double knownAtS, double error) { waiting_.push_back({knownAtS, error}); }

  /** Low and high, as known by then. */
  std::array<double, 2> By(double timeS) {
    bool came = false;
    for (; next_ < waiting_.size() && waiting_[next_][0] <= timeS; ++next_) {
      for (Known* known : {&fine_, &coarse_}) known->errors.Add(waiting_[next_][1] / known->unit);
      came = true;
    }
    if (next_ > 4096 && next_ * 2 > waiting_.size()) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(next_));
      next_ = 0;
    }
    if (came)
      quantiles_ = {Quantile(ErrorDistribution::kFirst, 0.05), Quantile(ErrorDistribution::kSecond, 0.95)};
    return quantiles_;
  }

 private:
  static constexpr double kForever = 1e12;
  /** Units from which on the coarse distribution tells; the fine one ends at 64. */
  static constexpr double kCoarseFrom = 32;

  struct Known {
    double unit;
    ErrorDistribution errors;
  };

  double Quantile(ErrorDistribution::Cursor which, double level) {
    const double fine = fine_.errors.Quantile(which, level);
    return std::fabs(fine) < kCoarseFrom ? fine * fine_.unit
                                         : coarse_.errors.Quantile(which, level) * coarse_.unit;
  }

  Known fine_;
  Known coarse_;
  std::vector<std::array<double, 2>> waiting_;
  std::size_t next_ = 0;
  std::array<double, 2> quantiles_{};
};

/** Low and high quantile of the errors of "no change" over the whole series. */
std::array<double, 2> HindsightQuantiles(const SeriesView& series, int horizon, double longestStepS) {
  Ahead ahead(series, longestStepS);
  std::vector<double> errors;
  const std::size_t stride = series.size() / kHindsightErrors + 1;
  for (std::size_t at = 0; at < series.size(); at += stride) {
    const double then = ahead.At(series.timeS[at] + kHorizonS[horizon], at);
    if (!std::isnan(then)) errors.push_back(then - series.usedBytes[at]);
  }
  if (errors.empty()) return {0, 0};
  const auto quantile = [&errors](double level) {
    const auto place =
        errors.begin() + static_cast<std::ptrdiff_t>(level * static_cast<double>(errors.size() - 1));
    std::nth_element(errors.begin(), place, errors.end());
    return *place;
  };
  return {quantile(0.05), quantile(0.95)};
}

/** Gathers the times at which an alarm stands into alarms. It stands until the next sample, however far apart
 * samples are, but not through a gap. */
class AlarmTimes {
 public:
  explicit AlarmTimes(double longestStepS = 0) : longestStepS_(longestStepS) {}

  void Stands(double timeS, double usage, double chance, bool ahead) {
    Lasts(timeS);
    if (alarms_.empty() || timeS - alarms_.back().endS > kMergeS)
      alarms_.push_back({timeS, timeS, usage, chance, ahead, false});
    alarms_.back().endS = timeS;
    stands_ = true;
  }
  void Calm() { stands_ = false; }
  /** The next sample is not asked: the limit is reached. */
  std::vector<Alarm> Take(double outS) {
    if (!std::isnan(outS)) Lasts(outS);
    return std::move(alarms_);
  }

 private:
  void Lasts(double timeS) {
    if (stands_ && timeS - alarms_.back().endS <= longestStepS_) alarms_.back().endS = timeS;
  }

  double longestStepS_;
  std::vector<Alarm> alarms_;
  bool stands_ = false;
};

void JudgeAlarms(AlarmScore* score, double outS) {
  for (Alarm& alarm : score->alarms) {
    const double leadS = outS - alarm.beginS;
    const bool isTrue = !std::isnan(outS) && leadS >= kLatestLeadS && leadS <= kEarliestLeadS &&
                        outS - alarm.endS <= kStandsS;
    alarm.isTrue = isTrue;
    // One that began too late to help is neither: it was no lie.
    const bool late = !std::isnan(outS) && leadS < kLatestLeadS;
    if (isTrue) {
      ++score->trueAlarms;
      if (!score->caught) score->leadS = leadS;
      score->caught = true;
    } else if (!late) {
      ++score->falseAlarms;
    }
  }
}

/** One limit during a backtest. */
class LimitRun {
 public:
  /** What lies further apart than `longestStepS` is a gap. */
  LimitRun(const SeriesView& series, double limitBytes, const PressurePolicy& policy, double longestStepS)
      : series_(series), ladder_(policy), longestStepS_(longestStepS) {
    times_.fill(AlarmTimes(longestStepS));
    score_.limitBytes = limitBytes;
    score_.outS = RunsOutAtS(series, limitBytes);
    aheadHorizon_ = HorizonOf(policy.aheadS);
  }

  void Observe(const PressureSample& sample, const Forecaster& forecaster, bool scored) {
    if (sample.timeS >= score_.outS) return;
    const double limit = LimitAt(sample, score_.limitBytes);
    if (!(limit > 0)) return;
    ObserveBenign(sample.timeS);
    const double usage = sample.usedBytes / limit;
    const double chance = forecaster.ready() ? forecaster.ChanceOfReaching(limit, aheadHorizon_) : kUnknown;
    if (ladder_.Observe(sample.timeS, usage, chance) >= PressureLevel::kCritical)
      times_[0].Stands(sample.timeS, usage, chance, ladder_.reason() == LevelReason::kChance);
    else
      times_[0].Calm();
    for (std::size_t kind = 1; kind < kAlarmKinds; ++kind) {
      if (usage >= kStaticThresholds[kind])
        times_[kind].Stands(sample.timeS, usage, chance, false);
      else
        times_[kind].Calm();
    }
    if (!scored || !forecaster.ready()) return;
    const double dueS = sample.timeS + kHorizonS[aheadHorizon_];
    const bool cameTrue = score_.outS <= dueS;
    // A series that ends with the limit tells that it was reached; else what is behind its end is not known.
    if (!cameTrue && dueS > series_.timeS.back()) return;
    score_.brier += (chance - cameTrue) * (chance - cameTrue);
    ++score_.brierSamples;
    AddTo(&score_.reliability, chance, cameTrue);
  }

  LimitScore Finish() {
    for (std::size_t kind = 0; kind < kAlarmKinds; ++kind) {
      score_.alarms[kind].alarms = times_[kind].Take(score_.outS);
      JudgeAlarms(&score_.alarms[kind], score_.outS);
    }
    if (!std::isnan(score_.outS)) score_.warnable = Warnable();
    return std::move(score_);
  }

 private:
  /** In gaps nobody could have raised a false alarm. */
  void ObserveBenign(double timeS) {
    const double endS = std::isnan(score_.outS) ? timeS : std::min(timeS, score_.outS - kEarliestLeadS);
    if (timeS - observedS_ <= longestStepS_) score_.benignS += std::max(0.0, endS - observedS_);
    observedS_ = timeS;
  }

  /** Half a minute before the end usage was over 70 % of the limit, or its last five minutes led to it within
   * ten. */
  bool Warnable() const {
    const double seenS = score_.outS - kLatestLeadS;
    const auto begin = series_.timeS.begin();
    const auto last = std::upper_bound(begin, series_.timeS.end(), seenS) - begin - 1;
    if (last < 0) return false;
    const auto first = std::lower_bound(begin, series_.timeS.end(), seenS - 300) - begin;
    const auto at = static_cast<std::size_t>(last);
    const auto from = static_cast<std::size_t>(first);
    const double limit = LimitAt(series_.At(at), score_.limitBytes);
    const double used = series_.usedBytes[at];
    if (used >= 0.7 * limit) return true;
    const double elapsed = series_.timeS[at] - series_.timeS[from];
    const double slope = elapsed > 0 ? (used - series_.usedBytes[from]) / elapsed : 0;
    return slope > 0 && (limit - used) / slope <= kEarliestLeadS;
  }

  const SeriesView& series_;
  ActionLadder ladder_;
  LimitScore score_;
  double longestStepS_;
  double observedS_ = kUnknown;  // the sample before
  std::array<AlarmTimes, kAlarmKinds> times_;
  int aheadHorizon_ = 0;
};

}  // namespace

double RunsOutAtS(const SeriesView& series, double limitBytes) {
  for (std::size_t at = 0; at < series.size(); ++at) {
    const double limit = LimitAt(series.At(at), limitBytes);
    if (series.usedBytes[at] >= limit && limit > 0) return series.timeS[at];
  }
  return kUnknown;
}

SeriesScore Backtest(const SeriesView& series, const BacktestOptions& options, const StopFlag& stop) {
  SeriesScore score;
  score.samples = series.size();
  if (series.size() == 0) return score;
  const Whole whole(series);
  score.spanS = series.timeS.back() - series.timeS.front();
  score.typicalStepS = TypicalStepS(series);
  score.highestBytes = whole.highest();
  const double longestStepS = Resampler::LongestStepS(score.typicalStepS);

  std::vector<Ahead> ahead(kHorizons, Ahead(series, longestStepS));
  std::vector<PersistenceQuantiles> known(kHorizons, PersistenceQuantiles(std::max(1.0, whole.highest())));
  std::array<std::array<double, 2>, kHorizons> hindsight;
  for (int horizon = 0; horizon < kHorizons; ++horizon)
    hindsight[static_cast<std::size_t>(horizon)] = HindsightQuantiles(series, horizon, longestStepS);
  std::vector<LimitRun> limits;
  limits.reserve(options.limits.size());
  for (const double limit : options.limits) limits.emplace_back(series, limit, options.policy, longestStepS);

  Forecaster forecaster(options.model);
  Confidence confidence;
  double scoredS = -1;
  double moves = 0;
  for (std::size_t at = 0; at < series.size(); ++at) {
    if ((at & 0xffff) == 0 && stop.load(std::memory_order_relaxed)) break;
    const PressureSample sample = series.At(at);
    const SeriesEvent event = forecaster.Observe(sample);
    // As live: a hundredth of the total, or of usage where nobody tells one.
    const double tolerated = sample.totalBytes > 0 ? sample.totalBytes : sample.usedBytes;
    confidence.Observe(sample.timeS, sample.usedBytes, tolerated, forecaster);
    score.gaps += event == SeriesEvent::kGap;
    score.changes += event == SeriesEvent::kChange;
    const bool scored = at == 0 || sample.timeS - scoredS >= kScoreEveryS;
    for (LimitRun& limit : limits) limit.Observe(sample, forecaster, scored);
    if (!scored) continue;
    scoredS = sample.timeS;
    if (!forecaster.ready()) continue;
    for (std::size_t index = 0; index < kHorizons; ++index) {
      const int horizon = static_cast<int>(index);
      // Between samples that are further apart than the horizon nothing is known.
      if (score.typicalStepS > kHorizonS[index]) continue;
      const double dueS = sample.timeS + kHorizonS[index];
      const double then = ahead[index].At(dueS, at);
      if (std::isnan(then)) continue;
      const HorizonForecast forecast = forecaster.At(horizon);
      HorizonScore& sums = score.horizons[index];
      const double moved = then - sample.usedBytes;
      const double error = std::fabs(then - forecast.used);
      const bool covered = then >= forecast.low && then <= forecast.high;
      ++sums.samples;
      sums.error += error;
      sums.persistenceError += std::fabs(moved);
      sums.covered += covered;
      sums.width += forecast.high - forecast.low;
      sums.pinball += (Pinball(then, forecast.low, 0.05) + Pinball(then, forecast.high, 0.95)) / 2;
      sums.hindsightPinball +=
          (Pinball(moved, hindsight[index][0], 0.05) + Pinball(moved, hindsight[index][1], 0.95)) / 2;
      const auto quantiles = known[index].By(sample.timeS);
      sums.persistencePinball +=
          (Pinball(moved, quantiles[0], 0.05) + Pinball(moved, quantiles[1], 0.95)) / 2;
      known[index].Expect(dueS, moved);
      const auto block = static_cast<std::size_t>((sample.timeS - series.timeS.front()) / kBlockS);
      if (sums.blocks.size() <= block) sums.blocks.resize(block + 1);
      sums.blocks[block][0] += error;
      sums.blocks[block][1] += std::fabs(moved);
      const double all = whole.At(at);
      if (std::fabs(moved) > kMovingShare * all) {
        ++sums.movingSamples;
        sums.movingError += error;
        sums.movingPersistenceError += std::fabs(moved);
        sums.movingCovered += covered;
      }
      if (horizon == Confidence::kHorizon) {
        if (all > 0) moves += std::fabs(moved) / all;
        if (!std::isnan(confidence.chance()))
          AddTo(&score.confidence, confidence.chance(), error <= Confidence::kTolerance * tolerated);
      }
    }
  }
  const std::uint64_t minutes = score.horizons[1].samples;
  score.meanMoveShare = minutes > 0 ? moves / static_cast<double>(minutes) : 0;
  score.limits.reserve(limits.size());
  for (LimitRun& limit : limits) score.limits.push_back(limit.Finish());
  return score;
}

}  // namespace rmem
