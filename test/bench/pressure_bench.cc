// Nanoseconds a sample takes the forecaster, a level and all three horizons asked for, as one JSON line for
// each step between samples. Usage: pressure_bench [SAMPLES]

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "base/random.h"
#include "pressure/monitor.h"

int main(int argc, char** argv) {
  const std::uint64_t samples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  for (const double stepS : {0.1, 1.0, 5.0, 60.0}) {
    rmem::MonitorOptions options;
    options.limitBytes = 16e9;
    rmem::Monitor monitor(options);
    rmem::Random random(1);
    double used = 4e9;
    double seen = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t at = 0; at < samples; ++at) {
      used += (static_cast<double>(random.Next() >> 11) * 0x1p-53 - 0.5) * 1e7;
      rmem::PressureSample sample;
      sample.timeS = static_cast<double>(at) * stepS;
      sample.usedBytes = used;
      monitor.Observe(sample);
      if (!monitor.forecaster().ready()) continue;
      for (int horizon = 0; horizon < rmem::kHorizons; ++horizon) {
        const rmem::HorizonForecast forecast = monitor.forecaster().At(horizon);
        seen += forecast.used + forecast.high - forecast.low;
      }
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    std::printf("{\"stepS\":%g,\"nsPerSample\":%.1f,\"seen\":%.0f}\n", stepS,
                took.count() / static_cast<double>(samples), seen);
  }
}
