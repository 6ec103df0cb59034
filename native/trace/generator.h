#pragma once

#include <cstddef>
#include <memory>

#include "trace/event_sink.h"
#include "trace/trace_info.h"
#include "trace/workload_program.h"

namespace rmem {

/**
 * The events of a made-up engine under a workload. The same program, seed included, gives the same events,
 * whatever the size of the steps. Canonical events with times go to `sink` as Step asks for them; `info` gets
 * the names and the header. Memory: what is alive.
 */
class WorkloadGenerator {
 public:
  WorkloadGenerator(WorkloadProgram program, TraceInfo& info, EventSink& sink);
  ~WorkloadGenerator();

  /** Makes about `events` more, fewer where the steps make hardly any. False when the trace is complete: the
   * sink has been finished. */
  bool Step(std::size_t events);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
