// Nanoseconds a sample takes the forecaster, a level and all three horizons asked for, as one JSON line for
// each step between samples. Usage: pressure_bench [SAMPLES]

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "pressure/forecast_cost.h"

int main(int argc, char** argv) {
  const std::uint64_t samples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  for (const double stepS : {0.1, 1.0, 5.0, 60.0}) {
    const double ns = rmem::ForecastCostNs(rmem::MonitorOptions{}, stepS, samples, 1);
    std::printf("{\"stepS\":%g,\"nsPerSample\":%.1f}\n", stepS, ns);
  }
}
