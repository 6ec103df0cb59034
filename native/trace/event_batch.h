#pragma once

#include <array>
#include <cstddef>

#include "trace/event_sink.h"

namespace rmem {

/** Collects events for a sink, which is called once a batch rather than once an event. */
class EventBatch {
 public:
  explicit EventBatch(EventSink& sink) : sink_(sink) {}

  void Add(const Event& event) {
    events_[count_++] = event;
    if (count_ == events_.size()) Flush();
  }

  void Flush() {
    if (count_ == 0) return;
    const std::size_t count = count_;
    count_ = 0;
    sink_.Consume(std::span(events_.data(), count));
  }

  /** Flush, then finish the sink. */
  void Finish() {
    Flush();
    sink_.Finish();
  }

 private:
  EventSink& sink_;
  std::size_t count_ = 0;
  std::array<Event, 256> events_;  // 16 KiB: two stages of a pipeline share a first-level cache
};

}  // namespace rmem
