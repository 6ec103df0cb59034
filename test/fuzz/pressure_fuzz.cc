// Whatever a source tells, forecasts are numbers in order and chances lie between 0 and 1, live and in a
// backtest.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "choices.h"
#include "pressure/closed_loop.h"
#include "pressure/monitor.h"

namespace {

using namespace rmem;

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

bool IsChance(double value) {
  return value >= 0 && value <= 1;
}

/** From nothing to 1e18, most of it of one size. */
double ChooseBytes(fuzzing::Choices& choices) {
  const unsigned kind = choices.Byte();
  const double value = choices.Pair();
  if (kind < 192) return value * 65536;
  return kind < 224 ? 0 : value * std::pow(10, static_cast<int>(kind % 16) - 2);
}

double ChooseStepS(fuzzing::Choices& choices) {
  const unsigned kind = choices.Byte();
  if (kind < 128) return 1;
  if (kind < 240) return choices.Byte() / 8.0;
  return kind < 248 ? choices.Pair() : -1.0 * choices.Byte();
}

void CheckState(const Monitor& monitor, double limit) {
  const Forecaster& forecaster = monitor.forecaster();
  Must(std::isnan(monitor.confidence()) || IsChance(monitor.confidence()), "confidence is a chance");
  Must(std::isfinite(forecaster.SlopeBytesPerS()), "a slope is a number");
  if (!forecaster.ready()) return;
  for (int horizon = 0; horizon < kHorizons; ++horizon) {
    const HorizonForecast forecast = forecaster.At(horizon);
    Must(forecast.low >= 0 && forecast.low <= forecast.used && forecast.used <= forecast.high &&
             forecast.high <= forecast.highest && std::isfinite(forecast.highest),
         "low, used, high and highest rise");
    Must(IsChance(forecaster.ChanceOfReaching(limit, horizon)), "reaching a limit is a chance");
  }
  const TimeToReach time = monitor.TimeToCritical();
  Must(!time.heading || (time.earliestS >= 0 && !(time.latestS < time.earliestS)), "times to critical rise");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzzing::Choices choices(std::span(data, std::min<std::size_t>(size, 4096)));
  MonitorOptions options;
  options.model = static_cast<ModelKind>(choices.Below(5));
  options.limitBytes = choices.Byte() % 2 == 0 ? kUnknown : 1 + ChooseBytes(choices);
  options.policy.falseAlarmsPerHour = choices.Byte() % 2 == 0 ? -1 : 0.1;
  options.policy.aheadS = kHorizonS[choices.Below(kHorizons)];
  Monitor monitor(options);
  std::vector<double> times;
  std::vector<double> used;
  std::vector<double> totals;
  PressureSample sample;
  while (!choices.done()) {
    sample.timeS += ChooseStepS(choices);
    sample.usedBytes = ChooseBytes(choices);
    const unsigned known = choices.Byte();
    sample.totalBytes = known < 16 ? kUnknown : known < 32 ? 0 : known * 16777216.0;
    sample.allocatedBytes = known % 2 == 0 ? kUnknown : ChooseBytes(choices);
    sample.freedBytes = known % 4 == 1 ? ChooseBytes(choices) : kUnknown;
    monitor.Observe(sample);
    CheckState(monitor, 1 + sample.usedBytes * (known % 8) / 4);
    // A series only has times that increase.
    if (!times.empty() && sample.timeS <= times.back()) continue;
    times.push_back(sample.timeS);
    used.push_back(sample.usedBytes);
    totals.push_back(sample.totalBytes);
  }
  SeriesView view;
  view.timeS = times;
  view.usedBytes = used;
  view.totalBytes = totals;
  const StopFlag stop{false};
  const std::vector<double> limits{kUnknown, options.limitBytes, 1e9};
  const SeriesScore score = Backtest(view, {options.model, options.policy, limits}, stop);
  for (const LimitScore& limit : score.limits) {
    Must(limit.brier >= 0 && limit.brier <= static_cast<double>(limit.brierSamples), "Brier is a mean");
    for (const AlarmScore& kind : limit.alarms)
      for (const Alarm& alarm : kind.alarms)
        Must(alarm.endS >= alarm.beginS && !(alarm.endS > limit.outS), "alarms lie before the end");
  }
  for (const ClosedLoopResult& result :
       ClosedLoop(view, {options.model, options.policy, limits, {0.3}}, stop)) {
    Must(!(result.outS < result.outWithoutS), "evicting makes nothing run out sooner");
    Must(std::isnan(result.outWithoutS) || !std::isnan(result.outS) || result.evictedBytes > 0,
         "nothing is prevented without evicting");
  }
  return 0;
}
