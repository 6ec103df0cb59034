#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "replay/section_runner.h"
#include "replay/stream_threads.h"
#include "replay/turn.h"

namespace rmem {

/**
 * Recorded order: the threads take turns as the runs of the plan say; whoever holds the baton executes and
 * hands it on. The main thread takes the baton where a thread has to be started or joined, and at the end of
 * a section.
 *
 * In memory and check rounds threads live as long as in the trace: each starts at its first run, and is gone,
 * joined, before anything else happens after its end, so that an allocator's own clean-up falls where it
 * belongs. In timed and latency rounds they live through all passes.
 */
class TurnRunner : public SectionRunner {
 public:
  TurnRunner(ReplayState& state, ReplayMonitor& monitor, MemoryTimeline* timeline);
  ~TurnRunner() override;
  bool Run(PlanSection section, SectionTime* time) override;
  void Reset() override { done_.store(0); }

 private:
  struct Seat {
    TurnRunner* runner;
    std::uint32_t stream;
    Turn turn;
  };
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};

  static void* Body(void* seat);
  bool Start(std::uint32_t stream);
  void Quit();
  bool NextRun();
  bool ExecuteRun(StreamContext& context);
  bool HoldBaton(std::uint32_t stream);

  ReplayState& state_;
  ReplayMonitor& monitor_;
  MemoryTimeline* timeline_;
  const bool threadsEnd_;
  StreamThreads threads_;
  std::unique_ptr<Seat[]> seats_;
  Turn conductor_;  // of the main thread
  bool quit_ = false;

  // Belong to whoever holds the baton.
  std::span<const PlanRun> runs_;
  std::size_t run_ = 0;
  std::uint32_t leftInRun_ = 0;
  std::uint32_t ended_ = kNobody;  // a stream whose thread is about to exit

  std::atomic<std::uint64_t> done_{
      0};  // instructions of the pass; written under the baton, read by the monitor
};

}  // namespace rmem
