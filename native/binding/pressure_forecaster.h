#pragma once

#include <napi.h>

#include "pressure/monitor.h"

namespace rmem {

/** A Monitor for JavaScript, a sample at a time. See src/native.ts for the contract. */
class PressureForecaster : public Napi::ObjectWrap<PressureForecaster> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit PressureForecaster(const Napi::CallbackInfo& info);

 private:
  Napi::Value Observe(const Napi::CallbackInfo& info);

  Monitor monitor_;
};

}  // namespace rmem
