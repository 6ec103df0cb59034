#include "pressure/monitor.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "include/rustydb_mem.h"

namespace {

rustydb_mem_monitor_options Options(double limitBytes = 0) {
  rustydb_mem_monitor_options options{};
  options.struct_bytes = sizeof(options);
  options.limit_bytes = limitBytes;
  return options;
}

int Observe(rustydb_mem_monitor* monitor, double seconds, double used, double total = 0) {
  rustydb_mem_sample sample{};
  sample.struct_bytes = sizeof(sample);
  sample.seconds = seconds;
  sample.used_bytes = used;
  sample.total_bytes = total;
  return rustydb_mem_monitor_observe(monitor, &sample);
}

rustydb_mem_forecast ForecastOf(const rustydb_mem_monitor* monitor) {
  rustydb_mem_forecast forecast{};
  forecast.struct_bytes = sizeof(forecast);
  EXPECT_EQ(rustydb_mem_monitor_get_forecast(monitor, &forecast), 0);
  return forecast;
}

TEST(CMonitor, SaysWhatTheNativeMonitorSays) {
  for (const std::uint32_t model : {0u, 1u, 2u, 3u, 4u}) {
    rustydb_mem_monitor_options options = Options(1e9);
    options.model = model;
    rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(&options);
    ASSERT_NE(monitor, nullptr);
    rmem::MonitorOptions native;
    native.limitBytes = 1e9;
    native.model = static_cast<rmem::ModelKind>(model);
    rmem::Monitor same(native);
    for (int second = 0; second < 1500; ++second) {
      const double used = 4e8 + 3e8 * std::sin(second / 200.0) + second * 2e5;
      Observe(monitor, second, used);
      rmem::PressureSample sample;
      sample.timeS = second;
      sample.usedBytes = used;
      same.Observe(sample);
    }
    const rustydb_mem_forecast forecast = ForecastOf(monitor);
    EXPECT_EQ(forecast.level, static_cast<std::uint32_t>(same.ladder().level()));
    for (int at = 0; at < rmem::kHorizons; ++at) {
      const rmem::HorizonForecast told = same.forecaster().At(at);
      EXPECT_EQ(forecast.horizons[at].used_bytes, told.used) << model;
      EXPECT_EQ(forecast.horizons[at].low_bytes, told.low);
      EXPECT_EQ(forecast.horizons[at].highest_bytes, told.highest);
      EXPECT_EQ(forecast.horizons[at].chance, same.CrossingChance(at));
    }
    EXPECT_EQ(forecast.confidence, same.confidence());
    rustydb_mem_monitor_destroy(monitor);
  }
}

TEST(CMonitor, HasNoLevelsWithoutALimitAndTakesThatOfTheSamples) {
  rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(nullptr);
  for (int second = 0; second < 60; ++second) EXPECT_EQ(Observe(monitor, second, 99), RUSTYDB_MEM_NORMAL);
  const rustydb_mem_forecast without = ForecastOf(monitor);
  EXPECT_EQ(without.ready, 1u);
  EXPECT_EQ(without.limit_bytes, 0);
  EXPECT_EQ(without.horizons[0].chance, -1);
  EXPECT_EQ(without.critical_earliest_seconds, -1);
  EXPECT_EQ(Observe(monitor, 60, 99, 100), RUSTYDB_MEM_EMERGENCY);
  EXPECT_EQ(ForecastOf(monitor).limit_bytes, 100);
  EXPECT_EQ(ForecastOf(monitor).changed, 1u);
  rustydb_mem_monitor_destroy(monitor);
}

TEST(CMonitor, TakesItsOwnThresholds) {
  rustydb_mem_monitor_options options = Options(100);
  const double thresholds[] = {0.1, 0.2, 0.3, 0.4};
  std::memcpy(options.thresholds, thresholds, sizeof(thresholds));
  options.by_usage_alone = 1;
  options.samples_to_enter = 1;
  rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(&options);
  EXPECT_EQ(Observe(monitor, 1, 9), RUSTYDB_MEM_NORMAL);
  EXPECT_EQ(Observe(monitor, 2, 10), RUSTYDB_MEM_WARNING);
  EXPECT_EQ(Observe(monitor, 3, 39), RUSTYDB_MEM_CRITICAL);
  EXPECT_EQ(Observe(monitor, 4, 40), RUSTYDB_MEM_EMERGENCY);
  EXPECT_EQ(ForecastOf(monitor).by_chance, 0u);
  rustydb_mem_monitor_destroy(monitor);
}

TEST(CMonitor, HasTheDefaultsThatTheHeaderTells) {
  const rmem::PressurePolicy policy;
  EXPECT_EQ(policy.thresholds, (std::array<double, 4>{0.70, 0.80, 0.90, 0.95}));
  EXPECT_EQ(policy.chances, (std::array<double, 4>{0.20, 0.40, 0.50, 0.95}));
  EXPECT_EQ(policy.aheadS, 60);
  EXPECT_EQ(policy.leaveAfterS, 30);
  EXPECT_EQ(policy.cooldownS, 60);
  EXPECT_EQ(policy.samplesToEnter, 2);
}

TEST(CMonitor, RefusesWhatCannotBe) {
  const auto refuses = [](auto&& change) {
    rustydb_mem_monitor_options options = Options(1e9);
    change(options);
    errno = 0;
    rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(&options);
    rustydb_mem_monitor_destroy(monitor);
    return monitor == nullptr && errno == EINVAL;
  };
  EXPECT_FALSE(refuses([](auto&) {}));
  EXPECT_TRUE(refuses([](auto& options) { options.struct_bytes = 8; }));
  EXPECT_TRUE(refuses([](auto& options) { options.model = 5; }));
  EXPECT_TRUE(refuses([](auto& options) { options.limit_bytes = -1; }));
  EXPECT_TRUE(refuses([](auto& options) { options.limit_bytes = NAN; }));
  EXPECT_TRUE(refuses([](auto& options) { options.ahead_seconds = 45; }));
  EXPECT_FALSE(refuses([](auto& options) { options.ahead_seconds = 120; }));
  EXPECT_TRUE(refuses([](auto& options) { options.chances[3] = 0.5; }));
  EXPECT_TRUE(refuses([](auto& options) { options.leave_seconds = INFINITY; }));
  rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(nullptr);
  EXPECT_EQ(Observe(monitor, NAN, 1), -1);
  EXPECT_EQ(Observe(monitor, 1, INFINITY), -1);
  EXPECT_EQ(ForecastOf(monitor).used_bytes, 0);
  rustydb_mem_monitor_destroy(monitor);
}

TEST(CMonitor, UnderstandsOlderCallers) {
  // One that knows neither what was allocated and freed nor the total.
  rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(nullptr);
  rustydb_mem_sample sample;
  std::memset(&sample, 255, sizeof(sample));
  sample.struct_bytes = offsetof(rustydb_mem_sample, total_bytes);
  sample.seconds = 1;
  sample.used_bytes = 5;
  EXPECT_EQ(rustydb_mem_monitor_observe(monitor, &sample), RUSTYDB_MEM_NORMAL);
  struct {
    rustydb_mem_forecast known;
    double more[3];
  } newer;
  std::memset(&newer, 255, sizeof(newer));
  newer.known.struct_bytes = sizeof(newer);
  EXPECT_EQ(rustydb_mem_monitor_get_forecast(monitor, &newer.known), 0);
  EXPECT_EQ(newer.known.used_bytes, 5);
  EXPECT_EQ(newer.more[2], 0);
  rustydb_mem_monitor_destroy(monitor);
}

}  // namespace
