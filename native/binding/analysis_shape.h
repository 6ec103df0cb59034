#pragma once

#include <napi.h>

#include "trace/trace_analysis.h"

namespace rmem {

/** What src/native.ts calls TransactionProfile. */
Napi::Object ToProfile(Napi::Env env, const TransactionProfile& profile);

/** What src/native.ts calls BurstShape. */
Napi::Object ToBursts(Napi::Env env, const BurstShape& bursts);

/** What src/native.ts calls ClassWaste, one for each rounding. */
Napi::Array ToClassWaste(Napi::Env env, const TraceAnalysis& analysis);

}  // namespace rmem
