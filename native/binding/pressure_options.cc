#include "binding/pressure_options.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "binding/option_values.h"

namespace rmem {
namespace {

/** As good as never. */
constexpr double kMostSamplesToEnter = 1e9;

/** Shares that increase, one a level. */
void ReadShares(const Napi::Object& object, const char* name, std::array<double, kLevels>* shares) {
  if (!Has(object, name)) return;
  const Napi::Object given = Part(object, name);
  if (!given.IsArray() || given.As<Napi::Array>().Length() != kLevels)
    Refuse(object.Env(), name, "four numbers");
  double before = 0;
  for (std::uint32_t at = 0; at < kLevels; ++at) {
    const Napi::Value value = given.As<Napi::Array>().Get(at);
    const double share = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(share > before && share <= 1)) Refuse(object.Env(), name, "increasing numbers from 0 to 1");
    (*shares)[at] = before = share;
  }
}

double AtLeast(const Napi::Object& object, const char* name, double least, double fallback) {
  const double value = Real(object, name, fallback);
  if (!(value >= least)) Refuse(object.Env(), name, "larger");
  return value;
}

PressurePolicy ReadPolicy(const Napi::Object& object) {
  PressurePolicy policy;
  ReadShares(object, "thresholds", &policy.thresholds);
  ReadShares(object, "chances", &policy.chances);
  if (Has(object, "predictive")) policy.predictive = Flag(object, "predictive");
  policy.aheadS = Real(object, "aheadS", policy.aheadS);
  if (std::find(std::begin(kHorizonS), std::end(kHorizonS), policy.aheadS) == std::end(kHorizonS))
    Refuse(object.Env(), "aheadS", "30, 60 or 120");
  policy.leastChance = AtLeast(object, "leastChance", 0, policy.leastChance);
  if (Has(object, "falseAlarmsPerHour") && !object.Get("falseAlarmsPerHour").IsNull())
    policy.falseAlarmsPerHour = AtLeast(object, "falseAlarmsPerHour", 0, 0);
  policy.samplesToEnter = static_cast<int>(
      std::min(AtLeast(object, "samplesToEnter", 1, policy.samplesToEnter), kMostSamplesToEnter));
  policy.leaveBelow = AtLeast(object, "leaveBelow", 0, policy.leaveBelow);
  policy.leaveAfterS = AtLeast(object, "leaveAfterS", 0, policy.leaveAfterS);
  policy.cooldownS = AtLeast(object, "cooldownS", 0, policy.cooldownS);
  return policy;
}

}  // namespace

MonitorOptions ReadPressureOptions(const Napi::Object& object) {
  MonitorOptions options;
  const auto model = ModelByName(Text(object, "model"));
  if (!model) Refuse(object.Env(), "model", "the name of a model");
  options.model = *model;
  options.limitBytes = Real(object, "limitBytes", kUnknown);
  if (options.limitBytes <= 0) Refuse(object.Env(), "limitBytes", "more than nothing");
  if (Has(object, "policy")) options.policy = ReadPolicy(Part(object, "policy"));
  return options;
}

}  // namespace rmem
