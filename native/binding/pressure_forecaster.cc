#include "binding/pressure_forecaster.h"

#include <cmath>
#include <cstdint>

#include "binding/pressure_options.h"

namespace rmem {
namespace {

constexpr const char* kLevelNames[] = {"normal", "warning", "high", "critical", "emergency"};
constexpr const char* kActionNames[] = {"none", "monitor", "gentle-eviction", "aggressive-eviction",
                                        "emergency-cleanup"};
constexpr const char* kTrendNames[] = {"decreasing", "stable", "increasing", "critical"};
constexpr const char* kEventNames[] = {"none", "gap", "change", "clock", "total"};
constexpr const char* kReasonNames[] = {"none", "usage", "chance", "held"};

Napi::Value KnownOrNull(const Napi::Env& env, double value) {
  if (std::isnan(value)) return env.Null();
  return Napi::Number::New(env, value);
}

Napi::Value TimeValue(const Napi::Env& env, const TimeToReach& time) {
  if (!time.heading) return env.Null();
  Napi::Object value = Napi::Object::New(env);
  value.Set("earliestS", time.earliestS);
  value.Set("latestS", KnownOrNull(env, time.latestS));
  return value;
}

Napi::Value ReasonValue(const Napi::Env& env, const ActionLadder& ladder) {
  if (ladder.reason() == LevelReason::kNone) return env.Null();
  Napi::Object value = Napi::Object::New(env);
  value.Set("kind", kReasonNames[static_cast<int>(ladder.reason())]);
  value.Set("value", ladder.reasonValue());
  value.Set("threshold", ladder.reasonThreshold());
  return value;
}

Napi::Array HorizonValues(const Napi::Env& env, const Monitor& monitor) {
  const Forecaster& forecaster = monitor.forecaster();
  Napi::Array horizons = Napi::Array::New(env);
  if (!forecaster.ready()) return horizons;
  for (int index = 0; index < kHorizons; ++index) {
    const HorizonForecast forecast = forecaster.At(index);
    Napi::Object value = Napi::Object::New(env);
    value.Set("horizonS", kHorizonS[index]);
    value.Set("usedBytes", forecast.used);
    value.Set("lowBytes", forecast.low);
    value.Set("highBytes", forecast.high);
    value.Set("highestBytes", forecast.highest);
    value.Set("crossingChance", KnownOrNull(env, monitor.CrossingChance(index)));
    value.Set("skill", KnownOrNull(env, forecaster.Skill(index)));
    horizons.Set(static_cast<std::uint32_t>(index), value);
  }
  return horizons;
}

}  // namespace

Napi::Function PressureForecaster::Define(Napi::Env env) {
  return DefineClass(env, "PressureForecaster", {InstanceMethod<&PressureForecaster::Observe>("observe")});
}

PressureForecaster::PressureForecaster(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PressureForecaster>(info), monitor_([&info] {
        if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "new PressureForecaster(options)");
        return ReadPressureOptions(info[0].As<Napi::Object>());
      }()) {}

Napi::Value PressureForecaster::Observe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  double fields[7];
  for (std::size_t at = 0; at < 7; ++at) {
    if (!info[at].IsNumber()) throw Napi::TypeError::New(env, "observe takes seven numbers");
    fields[at] = info[at].As<Napi::Number>().DoubleValue();
  }
  // What is no number would stay in the sums for ever.
  if (!std::isfinite(fields[0])) throw Napi::RangeError::New(env, "timeS must be known, and finite");
  if (!std::isfinite(fields[1]) || fields[1] < 0)
    throw Napi::RangeError::New(env, "usedBytes must be known, finite and not negative");
  const SeriesEvent event =
      monitor_.Observe({fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]});
  const Forecaster& forecaster = monitor_.forecaster();
  const ActionLadder& ladder = monitor_.ladder();
  const int level = static_cast<int>(ladder.level());
  Napi::Object state = Napi::Object::New(env);
  state.Set("timeS", fields[0]);
  state.Set("usedBytes", fields[1]);
  state.Set("limitBytes", KnownOrNull(env, monitor_.limitBytes()));
  state.Set("horizons", HorizonValues(env, monitor_));
  state.Set("trend", kTrendNames[static_cast<int>(forecaster.Trend(monitor_.limitBytes()))]);
  state.Set("slopeBytesPerS", forecaster.SlopeBytesPerS());
  state.Set("timeToCritical", TimeValue(env, monitor_.TimeToCritical()));
  state.Set("confidence", KnownOrNull(env, monitor_.confidence()));
  state.Set("level", kLevelNames[level]);
  state.Set("action", kActionNames[level]);
  state.Set("changed", monitor_.changed());
  state.Set("reason", ReasonValue(env, ladder));
  Napi::Array thresholds = Napi::Array::New(env, kLevels);
  for (std::uint32_t at = 0; at < kLevels; ++at) thresholds.Set(at, ladder.thresholds()[at]);
  state.Set("thresholds", thresholds);
  state.Set("event", kEventNames[static_cast<int>(event)]);
  return state;
}

}  // namespace rmem
