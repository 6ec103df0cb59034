#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/process_memory.h"
#include "pressure/monitor.h"
#include "replay/malloc_relief.h"
#include "replay/route_table.h"
#include "replay/shared_array.h"

namespace rmem {

struct MemorySample;

struct ReliefOptions {
  double limitBytes = 0;  // 0: no relief
  double bareBytes = 0;   // of the process, not of the allocator
};

/** What an allocator was asked for, and what came of it. */
struct ReliefRecord {
  std::uint64_t event;
  std::uint64_t timeNs;
  PressureLevel level;
  std::uint64_t beforeBytes, afterBytes;  // of the process
};

/**
 * Lets the allocator of a memory round give memory back as its early warning says: purge from high, compact
 * from critical. A level asks as it begins, and again each time that it could have been left and was not.
 *
 * It has to be here, and not where results are made of the samples: what is given back changes all readings
 * that follow.
 */
class PressureRelief {
 public:
  PressureRelief(const ReliefOptions& options, const RouteTable& table, void* route, std::size_t looks);

  /** A look at a time of the trace, as it is taken, by the thread that replays. */
  void Observe(const MemorySample& sample, ProcessMemory* memory);

  std::size_t taken() const { return taken_.load(std::memory_order_acquire); }
  const ReliefRecord& operator[](std::size_t index) const { return records_[index]; }

 private:
  bool Due(double timeS) const;

  const ReliefOptions options_;
  const RouteTable& table_;
  void* const route_;
  const double againS_;
  SharedArray<Monitor> monitor_;
  SharedArray<ReliefRecord> records_;
  std::atomic<std::size_t> taken_{0};
  PressureLevel level_ = PressureLevel::kNormal;  // of the last relief
  double lastS_ = 0;
};

}  // namespace rmem
