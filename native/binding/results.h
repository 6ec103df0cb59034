#pragma once

#include <napi.h>

#include "binding/pipeline.h"

namespace rmem {

/** What src/native.ts calls PipelineResult: everything known after Finish. */
Napi::Object ToResult(Napi::Env env, const Pipeline& pipeline);

}  // namespace rmem
