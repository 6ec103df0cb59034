#pragma once

#include <cstdint>
#include <memory>

#include "replay/replay_state.h"

namespace rmem {

class MemoryTimeline;

/** How long a section took: CLOCK_MONOTONIC, and CPU time of the whole process. */
struct SectionTime {
  std::uint64_t wallNs = 0;
  std::uint64_t cpuNs = 0;
};

/** Called on the main thread about ten times a second while a section runs. Must not allocate. */
class ReplayMonitor {
 public:
  virtual ~ReplayMonitor() = default;
  virtual void Tick(std::uint64_t instructionsDone) = 0;
};

inline constexpr std::uint64_t kTickNs = 100'000'000;

/** Instructions between two looks at the halt flag and the clock where nothing else interrupts a loop. */
inline constexpr std::ptrdiff_t kBatch = 4096;

/** Executes one section of the plan after another, on whatever threads its order of replay asks for. */
class SectionRunner {
 public:
  virtual ~SectionRunner() = default;
  /** False: halted (replayHalt says why). No thread executes anything once it has returned. */
  virtual bool Run(PlanSection section, SectionTime* time) = 0;
  /** Before each pass. */
  virtual void Reset() = 0;
};

/**
 * Makes the runner of a round. One stream runs on the main thread, and no other thread is made, as in a
 * program of one thread: some allocators do without locks then. `timeline` may be null. Throws TraceError
 * `no-thread`.
 */
std::unique_ptr<SectionRunner> MakeSectionRunner(ReplayState& state, ReplayMonitor& monitor,
                                                 MemoryTimeline* timeline);

}  // namespace rmem
