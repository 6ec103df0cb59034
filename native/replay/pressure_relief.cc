#include "replay/pressure_relief.h"

#include <algorithm>
#include <new>

#include "replay/memory_timeline.h"

namespace rmem {
namespace {

constexpr double kNs = 1e9;
/** A forecaster takes what it hears nothing of for half a minute for a gap; of a trace that stands still all
 * is known. */
constexpr double kStillStepS = 1;
constexpr double kStillSteps = 1000;

}  // namespace

PressureRelief::PressureRelief(const ReliefOptions& options, const RouteTable& table, void* route,
                               std::size_t looks)
    : options_(options),
      table_(table),
      route_(route),
      againS_(PressurePolicy().leaveAfterS),
      monitor_(1, "the forecaster"),
      records_(looks, "the record of reliefs") {
  MonitorOptions monitor;
  monitor.limitBytes = options.limitBytes;
  new (&monitor_[0]) Monitor(monitor);
}

bool PressureRelief::Due(double timeS) const {
  const PressureLevel level = monitor_[0].ladder().level();
  if (level < PressureLevel::kHigh) return false;
  return taken_ == 0 || level > level_ || timeS - lastS_ >= againS_;
}

void PressureRelief::Observe(const MemorySample& sample, ProcessMemory* memory) {
  Monitor& monitor = monitor_[0];
  PressureSample seen;
  seen.usedBytes = std::max(0.0, static_cast<double>(sample.reading.bytes) - options_.bareBytes);
  seen.allocatedBytes = static_cast<double>(sample.allocatedBytes);
  seen.freedBytes = static_cast<double>(sample.allocatedBytes - sample.liveBytes);
  const double timeS = static_cast<double>(sample.timeNs) / kNs;
  const double sinceS = static_cast<double>(sample.sinceNs) / kNs;
  const double stepS = std::max(kStillStepS, (timeS - sinceS) / kStillSteps);
  for (double stillS = sinceS + stepS; stillS < timeS; stillS += stepS) {
    seen.timeS = stillS;
    monitor.Observe(seen);
  }
  seen.timeS = timeS;
  monitor.Observe(seen);
  // A level that was left begins anew.
  const PressureLevel level = monitor.ladder().level();
  level_ = std::min(level_, level);
  if (!Due(timeS)) return;
  table_.relieve(route_, level >= PressureLevel::kCritical ? Relief::kCompact : Relief::kPurge);
  MemoryReading after = sample.reading;
  memory->Read(&after);
  const std::size_t at = taken_.load(std::memory_order_relaxed);
  records_[at] = {sample.event, sample.timeNs, level, sample.reading.bytes, after.bytes};
  taken_.store(at + 1, std::memory_order_release);
  level_ = level;
  lastS_ = timeS;
}

}  // namespace rmem
