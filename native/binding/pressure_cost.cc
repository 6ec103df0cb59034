#include "binding/pressure_cost.h"

#include <cmath>

#include "binding/pressure_options.h"
#include "pressure/forecast_cost.h"

namespace rmem {

Napi::Value ForecastCostOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject() || !info[1].IsNumber() || !info[2].IsNumber() || !info[3].IsNumber())
    throw Napi::TypeError::New(env, "forecastCost(options, stepS, samples, seed)");
  const double stepS = info[1].As<Napi::Number>().DoubleValue();
  const std::int64_t samples = info[2].As<Napi::Number>().Int64Value();
  if (!(stepS > 0) || !std::isfinite(stepS) || samples < 1)
    throw Napi::RangeError::New(env, "stepS and samples must be above 0, and finite");
  const auto seed = static_cast<std::uint64_t>(info[3].As<Napi::Number>().Int64Value());
  return Napi::Number::New(env, ForecastCostNs(ReadPressureOptions(info[0].As<Napi::Object>()), stepS,
                                               static_cast<std::uint64_t>(samples), seed));
}

}  // namespace rmem
