#include "pressure/forecast_cost.h"

#include "base/clock.h"
#include "base/random.h"

namespace rmem {
namespace {

// Around a quarter of this limit; the walk moves by up to 5 MB a step.
constexpr double kLimitBytes = 16e9;
constexpr double kFirstBytes = 4e9;
constexpr double kMoveBytes = 1e7;

}  // namespace

double ForecastCostNs(const MonitorOptions& options, double stepS, std::uint64_t samples,
                      std::uint64_t seed) {
  MonitorOptions limited = options;
  limited.limitBytes = kLimitBytes;
  Monitor monitor(limited);
  Random random(seed);
  double used = kFirstBytes;
  // Where the compiler can't see that nobody looks at what was forecast.
  volatile double seen = 0;
  const std::uint64_t beginNs = ThreadCpuNs();
  for (std::uint64_t at = 0; at < samples; ++at) {
    used += (static_cast<double>(random.Next() >> 11) * 0x1p-53 - 0.5) * kMoveBytes;
    PressureSample sample;
    sample.timeS = static_cast<double>(at) * stepS;
    sample.usedBytes = used;
    monitor.Observe(sample);
    if (!monitor.forecaster().ready()) continue;
    for (int horizon = 0; horizon < kHorizons; ++horizon) {
      const HorizonForecast forecast = monitor.forecaster().At(horizon);
      seen = seen + forecast.used + forecast.high - forecast.low;
    }
  }
  return static_cast<double>(ThreadCpuNs() - beginNs) / static_cast<double>(samples);
}

}  // namespace rmem
