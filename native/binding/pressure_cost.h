#pragma once

#include <napi.h>

namespace rmem {

/** forecastCost(options, stepS, samples, seed): ns of CPU time a sample. */
Napi::Value ForecastCostOf(const Napi::CallbackInfo& info);

}  // namespace rmem
