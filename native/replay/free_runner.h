#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "replay/section_runner.h"
#include "replay/stream_threads.h"

namespace rmem {

/**
 * Free order: a thread for each stream, made before the first pass and kept over all of them. They park at a
 * gate between sections; a section's time is from the opening of the gate to the last thread's arrival at the
 * next.
 */
class FreeRunner : public SectionRunner {
 public:
  FreeRunner(ReplayState& state, ReplayMonitor& monitor);
  ~FreeRunner() override;
  bool Run(PlanSection section, SectionTime* time) override;
  void Reset() override {}

 private:
  struct Seat {
    FreeRunner* runner;
    std::uint32_t stream;
  };

  static void* Body(void* seat);
  void Serve(std::uint32_t stream);
  void Execute(StreamContext& context);
  void Open();
  void Quit();

  ReplayState& state_;
  ReplayMonitor& monitor_;
  StreamThreads threads_;
  std::unique_ptr<Seat[]> seats_;
  // Written by the main thread while the gate is shut.
  PlanSection section_ = kOpening;
  bool quit_ = false;
  // Written by the last to arrive.
  std::uint64_t endNs_ = 0, endCpuNs_ = 0;
  alignas(64) std::atomic<std::uint32_t> gate_{0};  // counts its openings
  alignas(64) std::atomic<std::uint32_t> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> allArrived_{0};
};

}  // namespace rmem
