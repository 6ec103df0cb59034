#pragma once

#include <cstdint>
#include <vector>

#include "trace/event_sink.h"
#include "trace/live_blocks.h"
#include "trace/open_transactions.h"

namespace rmem {

/** A sample of a trace, and what its blocks had come to by then. */
struct SeriesPoint {
  std::uint64_t timeNs = kNoTime;
  std::uint64_t usedBytes = 0;
  std::uint64_t totalBytes = kAbsent;
  std::uint64_t swapBytes = kAbsent;
  std::uint64_t psiMilliPercent = kAbsent;
  std::uint64_t allocatedBytes =
      0;  // since the trace began; a realloc frees the old size and allocates the new
  std::uint64_t freedBytes = 0;
};

/**
 * Collects the samples of a trace with the bytes allocated and freed up to each. Takes events that were
 * validated. Memory: the live blocks, the open transactions, and 56 bytes a sample.
 */
class SeriesSink : public EventSink {
 public:
  void Consume(std::span<const Event> events) override;
  void Finish() override {}

  const std::vector<SeriesPoint>& points() const { return points_; }
  /** The trace has allocations: without, the bytes of the points mean nothing. */
  bool hasBlocks() const { return hasBlocks_; }

 private:
  void Take(const Event& event);
  void Born(std::uint64_t id, const Event& event);
  void Dies(std::uint64_t id);

  LiveBlocks<std::uint64_t> sizes_;
  OpenTransactions open_;
  std::uint64_t allocatedBytes_ = 0;
  std::uint64_t freedBytes_ = 0;
  bool hasBlocks_ = false;
  std::vector<SeriesPoint> points_;
};

}  // namespace rmem
