#include "pressure/monitor.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "api/api_heap.h"
#include "base/bits.h"
#include "os/pages.h"

struct rustydb_mem_monitor {
  rmem::Monitor monitor;
};

namespace rmem {
namespace {

constexpr std::size_t kMonitorBytes = AlignUp(sizeof(rustydb_mem_monitor), kPageBytes);
static_assert(std::is_trivially_destructible_v<rustydb_mem_monitor>);

constexpr ModelKind kModels[] = {ModelKind::kAdaptive, ModelKind::kPersistence, ModelKind::kLinear,
                                 ModelKind::kHolt, ModelKind::kTheilSen};

/** As much of a caller's structure as he has, the rest 0. False: no structure has such a size. */
template <class T>
bool TakeStructure(const T* from, T* whole) {
  const std::size_t given = from->struct_bytes;
  if (given < sizeof(std::size_t) + sizeof(double) || given > 64 * sizeof(T)) return false;
  std::memcpy(static_cast<void*>(whole), from, std::min(given, sizeof(T)));
  return true;
}

/** Four that rise, from above 0 to 1; four zeroes are the defaults. */
bool TakeShares(const double (&given)[kLevels], std::array<double, kLevels>* shares) {
  if (std::all_of(given, given + kLevels, [](double share) { return share == 0; })) return true;
  double before = 0;
  for (int level = 0; level < kLevels; ++level) {
    if (!(given[level] > before) || given[level] > 1) return false;
    before = (*shares)[static_cast<std::size_t>(level)] = given[level];
  }
  return true;
}

bool TakeSeconds(double given, double* seconds) {
  if (!(given >= 0) || std::isinf(given)) return false;
  if (given > 0) *seconds = given;
  return true;
}

bool TakeOptions(const rustydb_mem_monitor_options& given, MonitorOptions* options) {
  PressurePolicy& policy = options->policy;
  const double ahead = given.ahead_seconds;
  if (ahead != 0 && std::find(kHorizonS, kHorizonS + kHorizons, ahead) == kHorizonS + kHorizons) return false;
  if (!TakeShares(given.thresholds, &policy.thresholds) || !TakeShares(given.chances, &policy.chances) ||
      !TakeSeconds(ahead, &policy.aheadS) || !TakeSeconds(given.leave_seconds, &policy.leaveAfterS) ||
      !TakeSeconds(given.cooldown_seconds, &policy.cooldownS))
    return false;
  if (!(given.limit_bytes >= 0) || given.model >= std::size(kModels) || given.samples_to_enter > 1'000'000)
    return false;
  if (given.limit_bytes > 0) options->limitBytes = given.limit_bytes;
  if (given.samples_to_enter > 0) policy.samplesToEnter = static_cast<int>(given.samples_to_enter);
  options->model = kModels[given.model];
  policy.predictive = given.by_usage_alone == 0;
  return true;
}

/** What is not known has a number that no known one has. */
double KnownOr(double value, double otherwise) {
  return std::isnan(value) ? otherwise : value;
}
double ZeroIsUnknown(double value) {
  return value > 0 ? value : kUnknown;
}

}  // namespace
}  // namespace rmem

std::uint64_t rustydb_mem_heap_relieve(rustydb_mem_heap* heap, int level) {
  if (level >= RUSTYDB_MEM_CRITICAL) return heap->heap.Compact();
  return level >= RUSTYDB_MEM_HIGH ? heap->heap.Purge() : 0;
}

rustydb_mem_monitor* rustydb_mem_monitor_create(const rustydb_mem_monitor_options* options) {
  rustydb_mem_monitor_options whole{};
  rmem::MonitorOptions taken;
  if (options != nullptr && (!rmem::TakeStructure(options, &whole) || !rmem::TakeOptions(whole, &taken))) {
    errno = EINVAL;
    return nullptr;
  }
  void* memory = rmem::ReservePages(rmem::kMonitorBytes);
  if (memory != nullptr && !rmem::CommitPages(memory, rmem::kMonitorBytes)) {
    rmem::ReleasePages(memory, rmem::kMonitorBytes);
    memory = nullptr;
  }
  if (memory == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  return new (memory) rustydb_mem_monitor{rmem::Monitor(taken)};
}

void rustydb_mem_monitor_destroy(rustydb_mem_monitor* monitor) {
  if (monitor != nullptr) rmem::ReleasePages(monitor, rmem::kMonitorBytes);
}

int rustydb_mem_monitor_observe(rustydb_mem_monitor* monitor, const rustydb_mem_sample* sample) {
  rustydb_mem_sample whole{};
  if (!rmem::TakeStructure(sample, &whole) || !std::isfinite(whole.seconds) ||
      !(whole.used_bytes >= 0 && std::isfinite(whole.used_bytes)))
    return -1;
  rmem::PressureSample taken;
  taken.timeS = whole.seconds;
  taken.usedBytes = whole.used_bytes;
  taken.totalBytes = rmem::ZeroIsUnknown(whole.total_bytes);
  if (whole.allocated_bytes > 0) {
    taken.allocatedBytes = whole.allocated_bytes;
    taken.freedBytes = whole.freed_bytes;
  }
  monitor->monitor.Observe(taken);
  return static_cast<int>(monitor->monitor.ladder().level());
}

int rustydb_mem_monitor_get_forecast(const rustydb_mem_monitor* monitor, rustydb_mem_forecast* forecast) {
  const rmem::Monitor& from = monitor->monitor;
  const rmem::Forecaster& forecaster = from.forecaster();
  rustydb_mem_forecast full{};
  full.ready = forecaster.ready() ? 1 : 0;
  full.level = static_cast<std::uint32_t>(from.ladder().level());
  full.changed = from.changed() ? 1 : 0;
  full.by_chance = from.ladder().reason() == rmem::LevelReason::kChance ? 1 : 0;
  full.used_bytes = from.sample().usedBytes;
  full.limit_bytes = rmem::KnownOr(from.limitBytes(), 0);
  full.slope_bytes_per_second = forecaster.SlopeBytesPerS();
  const rmem::TimeToReach critical = from.TimeToCritical();
  full.critical_earliest_seconds = critical.heading ? critical.earliestS : -1;
  full.critical_latest_seconds = critical.heading ? rmem::KnownOr(critical.latestS, -1) : -1;
  full.confidence = rmem::KnownOr(from.confidence(), -1);
  for (int index = 0; index < rmem::kHorizons && forecaster.ready(); ++index) {
    const rmem::HorizonForecast at = forecaster.At(index);
    full.horizons[index] = {rmem::kHorizonS[index],
                            at.used,
                            at.low,
                            at.high,
                            at.highest,
                            rmem::KnownOr(from.CrossingChance(index), -1),
                            rmem::KnownOr(forecaster.Skill(index), -2)};
  }
  return rmem::GiveStatistics(full, forecast);
}
