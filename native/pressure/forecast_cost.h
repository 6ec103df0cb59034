#pragma once

#include <cstdint>

#include "pressure/monitor.h"

namespace rmem {

/**
 * CPU time in ns that the calling thread spends on a sample: `samples` steps of a random walk, `stepS` apart,
 * each with its level and all horizons asked for.
 */
double ForecastCostNs(const MonitorOptions& options, double stepS, std::uint64_t samples, std::uint64_t seed);

}  // namespace rmem
