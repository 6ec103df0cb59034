#include "pressure/forecaster.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr double kSizeHalfLifeS[] = {0, 1200, 60};
/** How fast the weights of yardsticks follow their losses, and what is not worth the sum. */
constexpr double kWeighing = 10;
constexpr double kHopelessYardstick = 30;
/** Until then nobody knows what is usual. */
constexpr std::size_t kFirstSteps = 12;
constexpr double kWeighingHalfLifeS = 3600;
/** Values that an error counts for half after; some hours. */
constexpr double kErrorHalfLife = 1500;
constexpr double kLineHalfLife = 500;
constexpr int kPriorLines = 8;
/** A line stands out that leads further than so many usual moves, and is so many times as steep as it is
 * uncertain. */
constexpr double kLineMoves = 3;
constexpr double kLineErrors = 6;
/** Intervals reach so many times as far as usage ever moved in their horizon, at most. */
constexpr double kReach = 1.5;
constexpr double kWidening = 0.02;
constexpr double kWidest = 4.5;
/** Through two ticks there is always a line. */
constexpr std::size_t kLeastLineTicks = 3;
constexpr double kSteering = 0.0005;
/** Of the lines that models see. */
constexpr double kWindowsS[] = {30, 60, 120, 300};
constexpr double kSkillHalfLifeS = 3600;
constexpr double kRateWindowS = 60;
constexpr double kLeastSize = 2048;
/** What moves less than this part of its usage in a tick stands still. */
constexpr double kLeastShare = 2e-6;
constexpr double kSlopeS = 60;
/** What a threshold is further away than is not called heading there. */
constexpr double kFarthestS = 3600;

double Widened(double wider, bool missed) {
  return std::clamp(wider * (1 + kWidening * (missed - 0.05)), 1.0, kWidest);
}

double KeepOf(double seconds, double halfLifeS) {
  return std::exp2(-seconds / halfLifeS);
}

}  // namespace

Forecaster::Measure::Measure() : errors(kErrorHalfLife), overshoots(kErrorHalfLife) {}

Forecaster::Horizon::Horizon() : lines(kLineHalfLife) {
  // Before a series has told how its lines end, half of them go on.
  for (int i = 0; i < kPriorLines; ++i) {
    lines.Add(0);
    lines.Add(1);
  }
}

Forecaster::Forecaster(ModelKind kind) : model_(kind) {}

SeriesEvent Forecaster::Observe(const PressureSample& sample) {
  const bool totalChanged = sample.totalBytes != last_.totalBytes && !std::isnan(sample.totalBytes) &&
                            !std::isnan(last_.totalBytes);
  changed_ = false;
  netRate_ = NetRate(sample);
  // What the grid begins anew with comes as its first tick: windows must be gone by then.
  std::size_t came = 0;
  double firstValue = 0;
  double firstHighest = 0;
  const auto outcome = resampler_.Observe(sample, [&](double value, double highest) {
    if (came++ == 0) {
      firstValue = value;
      firstHighest = highest;
      return;
    }
    if (came == 2) Tick(firstValue, firstHighest);
    Tick(value, highest);
  });
  if (outcome != Resampler::Outcome::kNone) Restart();
  if (came == 1) Tick(firstValue, firstHighest);
  last_ = sample;
  switch (outcome) {
    case Resampler::Outcome::kGap:
      return SeriesEvent::kGap;
    case Resampler::Outcome::kClock:
      return SeriesEvent::kClock;
    default:
      return totalChanged ? SeriesEvent::kTotal : changed_ ? SeriesEvent::kChange : SeriesEvent::kNone;
  }
}

double Forecaster::NetRate(const PressureSample& sample) {
  if (std::isnan(sample.allocatedBytes) || std::isnan(sample.freedBytes)) return kUnknown;
  const double elapsed = sample.timeS - rateFrom_.timeS;
  if (std::isnan(rateFrom_.allocatedBytes) || !(elapsed >= 0) || elapsed > 2 * kRateWindowS) {
    rateFrom_ = sample;
    return kUnknown;
  }
  if (elapsed < Resampler::kLeastTickS) return netRate_;
  const double net =
      (sample.allocatedBytes - rateFrom_.allocatedBytes) - (sample.freedBytes - rateFrom_.freedBytes);
  const double rate = net / elapsed;
  const double keep = KeepOf(elapsed, kRateWindowS);
  rateFrom_ = sample;
  return std::isnan(netRate_) ? rate : keep * netRate_ + (1 - keep) * rate;
}

void Forecaster::Restart() {
  model_.Restart();
  history_.Clear();
  change_.Reset();
  rateFrom_ = PressureSample{};
  netRate_ = kUnknown;
  ticks_ = 0;
}

void Forecaster::SetTick(double tickS) {
  keeps_.tickS = tickS;
  for (std::size_t at = 0; at < kYardsticks; ++at) keeps_.sizes[at] = KeepOf(tickS, kSizeHalfLifeS[at]);
  keeps_.weighing = KeepOf(tickS, kWeighingHalfLifeS);
  keeps_.skill = KeepOf(tickS, kSkillHalfLifeS);
  for (std::size_t window = 0; window < TickHistory::kWindows; ++window) {
    const auto ticks = static_cast<std::size_t>(kWindowsS[window] / tickS) + 1;
    keeps_.windows[window] = std::clamp(ticks, kLeastLineTicks, TickHistory::kCapacity);
  }
  for (int horizon = 0; horizon < kHorizons; ++horizon) {
    const int ticks = TicksUntil(horizon, tickS);
    keeps_.ticks[static_cast<std::size_t>(horizon)] = ticks;
    keeps_.rootTicks[static_cast<std::size_t>(horizon)] = std::sqrt(static_cast<double>(ticks));
  }
}

void Forecaster::Tick(double value, double highest) {
  const double tickS = resampler_.tickS();
  if (tickS != keeps_.tickS) SetTick(tickS);
  if (ticks_ > 0) Measured(value - history_.At(0));
  // Of nothing too: errors are divided by it.
  if (value > 128 * sizes_[kEver] || sizes_[kEver] == 0)
    sizes_[kEver] = std::exp2(std::ceil(std::log2(std::max(value, 1.0)))) / 128;
  history_.Add(value, highest);
  const auto [half, minute, two, five] = history_.Fit(keeps_.windows);
  model_.Tick({history_, tickS, netRate_, {half, minute, two}, five});
  at_ = (at_ + 1) % TickHistory::kCapacity;
  for (int index = 0; index < kHorizons; ++index) {
    if (ticks_ >= static_cast<std::size_t>(keeps_.ticks[static_cast<std::size_t>(index)])) Judge(index);
    Say(index);
    Latest(index).lineRise = StandingOut(minute, index);
  }
  ++ticks_;
}

/** How far the line leads within a horizon, where it stands out of what the series usually does; else 0. */
double Forecaster::StandingOut(const TickHistory::Line& line, int index) const {
  const double rise = line.slope * keeps_.ticks[static_cast<std::size_t>(index)];
  const double usual =
      std::max(sizes_[kSteady], kLeastSize) * keeps_.rootTicks[static_cast<std::size_t>(index)];
  const bool standsOut = rise > kLineMoves * usual && line.slope > kLineErrors * line.slopeError;
  return standsOut ? rise : 0;
}

void Forecaster::Measured(double step) {
  const double usual = std::max({sizes_[kSteady], kLeastSize, kLeastShare * history_.At(0)});
  ++steps_;
  for (const Yardstick at : {kSteady, kQuick}) {
    // The first steps weigh as much as all before them, so that the start is soon forgotten.
    const double share = std::max(1 - keeps_.sizes[at], 1 / static_cast<double>(steps_));
    sizes_[at] += share * (std::fabs(step) - sizes_[at]);
  }
  if (steps_ > kFirstSteps && change_.Add(step / usual)) {
    changed_ = true;
    model_.Change();
  }
}

void Forecaster::Judge(int index) {
  Horizon& horizon = horizons_[static_cast<std::size_t>(index)];
  const auto ticks = static_cast<std::size_t>(keeps_.ticks[static_cast<std::size_t>(index)]);
  const Said& said = horizon.said[(at_ + TickHistory::kCapacity - ticks) % TickHistory::kCapacity];
  const double moved = history_.At(0) - said.value;
  const double highest = history_.HighestOf(ticks) - said.value;
  horizon.farthest = std::max({horizon.farthest, std::fabs(moved), std::fabs(moved - said.move)});
  for (std::size_t at = 0; at < kYardsticks; ++at) {
    Measure& measure = horizon.measures[at];
    const SaidInterval& interval = said.intervals[at];
    const double inverse = 1 / interval.scale;
    const double error = (moved - interval.move) * inverse;
    const bool below = error < interval.low;
    const bool above = error > interval.high;
    measure.lowLevel = std::clamp(measure.lowLevel + kSteering * (0.05 - below), 0.001, 0.4);
    measure.highLevel = std::clamp(measure.highLevel - kSteering * (0.05 - above), 0.6, 0.999);
    measure.errors.Add(error);
    measure.overshoots.Add((highest - std::max(0.0, interval.move)) * inverse);
    // Winkler's score of the interval: its width, and twenty times what it missed by.
    const double missed = below ? interval.low - error : above ? error - interval.high : 0;
    measure.loss =
        keeps_.weighing * measure.loss + interval.scale * (interval.high - interval.low + 20 * missed);
  }
  // Weights follow an hour: one horizon after the other will do.
  if (at_ % kHorizons == static_cast<std::size_t>(index)) Weigh(&horizon);
  // What all together promised is steered once more: each may hold its promise, and the narrowest weigh the
  // most.
  horizon.widerBelow = Widened(horizon.widerBelow, moved < said.lowMove);
  horizon.widerAbove = Widened(horizon.widerAbove, moved > said.highMove);
  if (said.lineRise > 0) horizon.lines.Add(highest / said.lineRise);
  horizon.loss = keeps_.skill * horizon.loss + std::fabs(moved - said.move);
  horizon.persistenceLoss = keeps_.skill * horizon.persistenceLoss + std::fabs(moved);
}

void Forecaster::Weigh(Horizon* horizon) {
  double least = horizon->measures[0].loss;
  for (const Measure& measure : horizon->measures) least = std::min(least, measure.loss);
  if (!(least > 0)) return;
  double sum = 0;
  for (Measure& measure : horizon->measures) {
    // A yardstick that lost a tenth more than the best counts a third of it.
    const double behind = kWeighing * (measure.loss / least - 1);
    measure.weight = behind > kHopelessYardstick ? 0 : std::exp(-behind);
    sum += measure.weight;
  }
  for (Measure& measure : horizon->measures) measure.weight /= sum;
}

void Forecaster::Say(int index) {
  Horizon& horizon = horizons_[static_cast<std::size_t>(index)];
  Said& said = horizon.said[at_];
  said.value = history_.At(0);
  said.move = model_.Move(index);
  said.lowMove = said.highMove = said.highestMove = 0;
  const double steps = keeps_.rootTicks[static_cast<std::size_t>(index)];
  // What was a storm in calm times is counted in many scales, which are larger now.
  const double reach = kReach * std::max(horizon.farthest, sizes_[kEver]);
  for (std::size_t at = 0; at < kYardsticks; ++at) {
    Measure& measure = horizon.measures[at];
    // What has just moved may stand still again.
    const double size = at == kQuick ? (sizes_[kQuick] + sizes_[kSteady]) / 2 : sizes_[at];
    SaidInterval& interval = said.intervals[at];
    interval.move = at == kEver ? 0 : said.move;
    interval.scale =
        at == kEver ? sizes_[at] : std::max({size, kLeastSize, kLeastShare * said.value}) * steps;
    const double most = reach / interval.scale;
    interval.low = std::max(measure.errors.Quantile(ErrorDistribution::kFirst, measure.lowLevel), -most);
    interval.high = std::min(measure.errors.Quantile(ErrorDistribution::kSecond, measure.highLevel), most);
    const double over = std::min(measure.overshoots.Quantile(ErrorDistribution::kFirst, 0.95), most);
    said.lowMove += measure.weight * (interval.move + interval.low * interval.scale);
    said.highMove += measure.weight * (interval.move + interval.high * interval.scale);
    said.highestMove += measure.weight * std::max(0.0, std::max(0.0, interval.move) + over * interval.scale);
  }
  said.lowMove = said.move + (std::min(said.lowMove, said.move) - said.move) * horizon.widerBelow;
  said.highMove = said.move + (std::max(said.highMove, said.move) - said.move) * horizon.widerAbove;
}

HorizonForecast Forecaster::At(int horizon) const {
  const Said& said = Latest(horizon);
  HorizonForecast forecast;
  forecast.used = std::max(0.0, last_.usedBytes + said.move);
  forecast.low = std::max(0.0, std::min(forecast.used, last_.usedBytes + said.lowMove));
  forecast.high = std::max(forecast.used, last_.usedBytes + said.highMove);
  forecast.highest = std::max(forecast.high, last_.usedBytes + said.highestMove);
  return forecast;
}

double Forecaster::ChanceOfReaching(double bytes, int horizon) const {
  if (last_.usedBytes >= bytes) return 1;
  const Said& said = Latest(horizon);
  const Horizon& each = horizons_[static_cast<std::size_t>(horizon)];
  double below = 0;
  for (std::size_t at = 0; at < kYardsticks; ++at) {
    const SaidInterval& interval = said.intervals[at];
    const double top = last_.usedBytes + std::max(0.0, interval.move);
    below +=
        each.measures[at].weight * each.measures[at].overshoots.ShareBelow((bytes - top) / interval.scale);
  }
  const double chance = std::clamp(1 - below, 0.0, 1.0);
  if (said.lineRise <= 0) return chance;
  const double part = (bytes - last_.usedBytes) / said.lineRise;
  return std::max(chance, 1 - each.lines.ShareBelow(part));
}

double Forecaster::ChanceWithin(double bytes, int horizon) const {
  const Said& said = Latest(horizon);
  const Horizon& each = horizons_[static_cast<std::size_t>(horizon)];
  double within = 0;
  for (std::size_t at = 0; at < kYardsticks; ++at) {
    const SaidInterval& interval = said.intervals[at];
    const ErrorDistribution& errors = each.measures[at].errors;
    // Errors are of the interval's own centre; what is asked about is the forecast.
    const double shift = said.move - interval.move;
    within += each.measures[at].weight * (errors.ShareBelow((shift + bytes) / interval.scale) -
                                          errors.ShareBelow((shift - bytes) / interval.scale));
  }
  return within;
}

double Forecaster::Skill(int horizon) const {
  const Horizon& each = horizons_[horizon];
  return each.persistenceLoss > 0 ? 1 - each.loss / each.persistenceLoss : kUnknown;
}

double Forecaster::SlopeBytesPerS() const {
  const double tickS = resampler_.tickS();
  return history_.Fit(static_cast<std::size_t>(kSlopeS / tickS) + 1).slope / tickS;
}

UsageTrend Forecaster::Trend(double limitBytes) const {
  const double whole = std::isnan(limitBytes) ? last_.usedBytes : limitBytes;
  const double share = whole > 0 ? SlopeBytesPerS() * Resampler::kLeastTickS / whole : 0;
  if (share > 0.02) return UsageTrend::kCritical;
  if (share > 0.005) return UsageTrend::kIncreasing;
  return share < -0.005 ? UsageTrend::kDecreasing : UsageTrend::kStable;
}

TimeToReach Forecaster::TimeTo(double bytes) const {
  TimeToReach time;
  if (last_.usedBytes >= bytes) return {true, 0, 0};
  const double missing = bytes - last_.usedBytes;
  // Within the horizons the forecasts say it; beyond, the line of five minutes.
  double fromS = 0;
  double from = last_.usedBytes;
  for (int index = 0; index < kHorizons && !time.heading; ++index) {
    const double to = At(index).highest;
    if (to >= bytes) {
      time.heading = true;
      const double part = to > from ? (bytes - from) / (to - from) : 1;
      time.earliestS = fromS + std::clamp(part, 0.0, 1.0) * (kHorizonS[index] - fromS);
    }
    fromS = kHorizonS[index];
    from = to;
  }
  const double tickS = resampler_.tickS();
  const TickHistory::Line line = history_.Fit(keeps_.windows.back());
  // Steps of memory depend on each other: the error of the slope is twice what independent ones would give.
  const double error = 2 * 1.645 * line.slopeError;
  const double steep = (line.slope + error) / tickS;
  const double flat = (line.slope - error) / tickS;
  if (!time.heading && flat > 0 && missing / steep < kFarthestS) {
    time.heading = true;
    time.earliestS = std::max(missing / steep, kHorizonS[kHorizons - 1]);
  }
  if (time.heading && flat > 0) time.latestS = std::max(time.earliestS, missing / flat);
  return time;
}

}  // namespace rmem
