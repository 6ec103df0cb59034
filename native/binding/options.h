#pragma once

#include <napi.h>

#include "binding/pipeline.h"

namespace rmem {

/**
 * Reads what src/native.ts calls PipelineOptions. Throws a JS TypeError that names the option where one is
 * missing or of the wrong type: the callers are our own TypeScript, so that is a defect, never a user's
 * mistake.
 */
PipelineOptions ReadPipelineOptions(const Napi::Object& object);

}  // namespace rmem
