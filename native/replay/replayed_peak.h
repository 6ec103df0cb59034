#pragma once

#include <atomic>
#include <cstdint>

#include "replay/plan_file.h"
#include "replay/shared_array.h"
#include "replay/stream_context.h"

namespace rmem {

/**
 * The peak of live bytes that a free-order pass really reached, for comparison with the recorded one.
 *
 * Counting every byte in a shared place would order the threads. Instead the streams publish what each has
 * live as they go, and who completes a window sums it up: the sum, compared with the recorded order at the
 * same place, says how far the pass has strayed. Inside the window the pass is taken to stray as far as at
 * its end.
 */
class ReplayedPeak {
 public:
  /** Walks the plan once for the recorded figures. */
  ReplayedPeak(const PlanFile& plan, const StreamCell* cells);

  void CompleteWindow(std::uint32_t window);

  /** Peak of the pass so far, at least what was ever seen at once. */
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(peak_.load(std::memory_order_relaxed)); }
  void Reset() { peak_.store(outsideWindows_, std::memory_order_relaxed); }

 private:
  struct Recorded {
    std::int64_t peak;   // highest inside the window
    std::int64_t atEnd;  // after its last instruction
  };

  const StreamCell* cells_;
  std::uint32_t streams_;
  std::int64_t outsideWindows_ = 0;  // peak before the first window, when one stream ran alone
  SharedArray<Recorded> recorded_;
  std::atomic<std::int64_t> peak_{0};
};

}  // namespace rmem
