#pragma once

#include <napi.h>

#include "trace/series_sink.h"

namespace rmem {

/** What src/native.ts calls TraceSeries. */
Napi::Object ToSeriesResult(Napi::Env env, const SeriesSink& series);

}  // namespace rmem
