#pragma once

#include "trace/filters.h"
#include "trace/renumberer.h"

namespace rmem {

/** A filter that hands on what it keeps through a Renumberer: everything, but for what its Take does else. */
class RenumberingFilter : public Filter {
 public:
  explicit RenumberingFilter(EventSink& next) : out_(next) {}

  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) Take(event);
  }
  void Finish() override { out_.Finish(); }

 protected:
  virtual void Take(const Event& event) { Keep(event); }

  void Keep(const Event& event) {
    switch (event.type) {
      case EventType::kAlloc:
        out_.Alloc(event);
        break;
      case EventType::kFree:
        out_.Free(event);
        break;
      case EventType::kRealloc:
        out_.Realloc(event);
        break;
      case EventType::kBegin:
        out_.Begin(event, true);
        break;
      case EventType::kCommit:
      case EventType::kAbort:
        out_.End(event);
        break;
      case EventType::kThreadStart:
      case EventType::kThreadEnd:
        out_.Thread(event, true);
        break;
      case EventType::kMark:
      case EventType::kSample:
        out_.Pass(event);
        break;
    }
  }

  /** Keeps an alloc or realloc only where `keep`: a block that was kept and is no more is freed, one that was
   * not is born. */
  void KeepBlock(const Event& event, bool keep) {
    if (event.type == EventType::kRealloc && out_.IsKept(event.id)) {
      keep ? out_.Realloc(event) : out_.Free(event);
    } else if (keep) {
      event.type == EventType::kRealloc ? out_.ReallocAsAlloc(event) : out_.Alloc(event);
    }
  }

  Renumberer out_;
};

}  // namespace rmem
