#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/process_memory.h"
#include "replay/plan_file.h"
#include "replay/shared_array.h"

namespace rmem {

class PressureRelief;

/** A look at the process's memory at one place of the total order. */
struct MemorySample {
  std::uint64_t total;           // instructions of all streams executed before it
  std::uint64_t event;           // number of the last event before it; 0: none yet
  std::uint64_t liveBytes;       // asked for and not freed, in the recorded order
  std::uint64_t allocatedBytes;  // ever; what a block grew by is allocated, what it shrank by freed
  bool weighs;                   // one of the places that follow from events and live bytes alone
  bool timed;
  std::uint64_t timeNs, sinceNs;  // of the PlanTime, where timed
  MemoryReading reading;
};

/**
 * When a memory round looks, and what it saw. The places follow from the plan alone, so that every route
 * looks at the same ones: about a thousand evenly spread, one at each growth of the highest live bytes by 0.5
 * % of the peak, the peak itself, the start and the end. Where asked for, also at the times of the plan.
 */
class MemoryTimeline {
 public:
  MemoryTimeline(const PlanFile& plan, bool timed);

  /** Is told of every look at a time, as it is taken. */
  void Tell(PressureRelief* relief) { relief_ = relief; }
  std::size_t size() const { return size_; }

  /** Instructions of the total order after which the next look is due; past the end when there is none. */
  std::uint64_t nextDue() const { return next_ < size_ ? samples_[next_].total : ~std::uint64_t{0}; }
  /** Looks. By one thread at a time. */
  void Take();

  std::size_t taken() const { return taken_.load(std::memory_order_acquire); }
  const MemorySample& operator[](std::size_t index) const { return samples_[index]; }
  /** Whether every look so far could be read. */
  bool readable() const { return readable_; }

  /** Looks beside the timeline. False where /proc can't be read. */
  bool Read(MemoryReading* reading) { return memory_.Read(reading); }
  MemorySource source() const { return memory_.source(); }
  /** Of the samples taken, the one with the most memory. */
  const MemorySample& Peak() const;

 private:
  MemorySample& At(std::uint64_t total);

  ProcessMemory memory_;
  PressureRelief* relief_ = nullptr;
  SharedArray<MemorySample> samples_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::atomic<std::size_t> taken_{0};
  bool readable_ = true;
};

}  // namespace rmem
