#pragma once

#include <span>

#include "trace/event.h"

namespace rmem {

/** Takes events in batches, in the total order of the trace. Throws TraceError on what it can't accept. */
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Consume(std::span<const Event> events) = 0;
  /** After the last event, once. */
  virtual void Finish() = 0;
};

}  // namespace rmem
