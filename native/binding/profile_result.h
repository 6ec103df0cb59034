#pragma once

#include <napi.h>

#include "trace/allocation_profile.h"

namespace rmem {

/** What src/native.ts calls AllocationProfile. */
Napi::Object ProfileResult(Napi::Env env, const AllocationProfile& profile, const TraceInfo& info);

}  // namespace rmem
