#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

struct OltpOptions {
  std::uint64_t events = 1'000'000;  // about; every transaction begun is ended
  std::uint64_t seed = 1;
  std::uint32_t threads = 4;           // 1…1024
  std::uint64_t liveBytes = 16 << 20;  // target of what outlives transactions: pages and versions
};

/**
 * Events of a made-up OLTP engine under a TPC-C-like load: five transaction types by weight, the ten object
 * kinds of a database, savepoints of which some are rolled back to, aborts, row versions that an epoch
 * collector frees on another thread, cached pages that live long. The same options give the same events.
 * Canonical events with times go to `sink` as Step asks for them; `info` gets the names and the header.
 * Throws std::invalid_argument on options out of range.
 */
class OltpGenerator {
 public:
  OltpGenerator(const OltpOptions& options, TraceInfo& info, EventSink& sink);
  ~OltpGenerator();

  /** Makes about `events` more. False when the trace is complete: the sink has been finished. */
  bool Step(std::size_t events);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
