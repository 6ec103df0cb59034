#include "trace/burst_counts.h"

namespace rmem {

void BurstCounts::EndRun(OneThread& thread) {
  if (thread.run > 0) shape_.allocRuns.Add(static_cast<std::uint64_t>(thread.run));
  if (thread.run < 0) shape_.freeRuns.Add(static_cast<std::uint64_t>(-thread.run));
  thread.run = 0;
}

void BurstCounts::Sweep(OneThread& thread) {
  std::erase_if(thread.newest, [this](std::uint64_t id) { return live_.Find(id) == nullptr; });
}

void BurstCounts::Finish() {
  for (OneThread& thread : threads_) EndRun(thread);
}

}  // namespace rmem
