#pragma once

#include <napi.h>

namespace rmem {

/** backtest(series, options) → Promise; see src/native.ts. Works on a thread of libuv's pool. */
Napi::Value BacktestOf(const Napi::CallbackInfo& info);

}  // namespace rmem
