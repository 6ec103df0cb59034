#include "replay/section_runner.h"

#include "replay/alone_runner.h"
#include "replay/free_runner.h"
#include "replay/turn_runner.h"

namespace rmem {

std::unique_ptr<SectionRunner> MakeSectionRunner(ReplayState& state, ReplayMonitor& monitor,
                                                 MemoryTimeline* timeline) {
  if (state.streamCount() <= 1) return std::make_unique<AloneRunner>(state, monitor, timeline);
  if (state.free()) return std::make_unique<FreeRunner>(state, monitor);
  return std::make_unique<TurnRunner>(state, monitor, timeline);
}

}  // namespace rmem
