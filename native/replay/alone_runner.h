#pragma once

#include "replay/section_runner.h"

namespace rmem {

/** A plan of one stream, on the main thread. */
class AloneRunner : public SectionRunner {
 public:
  AloneRunner(ReplayState& state, ReplayMonitor& monitor, MemoryTimeline* timeline)
      : state_(state), monitor_(monitor), timeline_(timeline) {}
  bool Run(PlanSection section, SectionTime* time) override;
  void Reset() override {}

 private:
  bool Execute(StreamContext& context, const Instruction* end);

  ReplayState& state_;
  ReplayMonitor& monitor_;
  MemoryTimeline* timeline_;
};

}  // namespace rmem
