#pragma once

#include <napi.h>

#include "pressure/monitor.h"

namespace rmem {

/** What src/native.ts calls PressureOptions. Throws a TypeError for what makes no sense. */
MonitorOptions ReadPressureOptions(const Napi::Object& object);

}  // namespace rmem
