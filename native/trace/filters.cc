#include "trace/filters.h"

#include <algorithm>
#include <unordered_set>

#include "trace/renumberer.h"

namespace rmem {
namespace {

class HeadFilter : public Filter {
 public:
  HeadFilter(std::uint64_t events, EventSink& next) : left_(events), next_(next) {}

  void Consume(std::span<const Event> events) override {
    const auto kept = events.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, events.size())));
    left_ -= kept.size();
    if (!kept.empty()) next_.Consume(kept);
  }
  void Finish() override { next_.Finish(); }
  bool Satisfied() const override { return left_ == 0; }

 private:
  std::uint64_t left_;
  EventSink& next_;
};

class ThreadFilter : public Filter {
 public:
  ThreadFilter(std::span<const std::uint64_t> threads, EventSink& next)
      : numbers_(threads.begin(), threads.end()), out_(next) {}

  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) Take(event);
  }
  void Finish() override { out_.Finish(); }

 private:
  bool Keeps(const Event& event) const { return numbers_.contains(out_.ThreadNumber(event.thread)); }

  void Take(const Event& event) {
    switch (event.type) {
      case EventType::kAlloc:
        if (Keeps(event)) out_.Alloc(event);
        break;
      case EventType::kFree:
        out_.Free(event);
        break;
      case EventType::kRealloc:
        if (out_.IsKept(event.id)) {
          out_.Realloc(event);
        } else if (Keeps(event)) {
          out_.ReallocAsAlloc(event);
        }
        break;
      case EventType::kBegin:
        out_.Begin(event, Keeps(event));
        break;
      case EventType::kCommit:
      case EventType::kAbort:
        out_.End(event);
        break;
      case EventType::kThreadStart:
        out_.Thread(event, numbers_.contains(event.id));
        break;
      case EventType::kThreadEnd:
        out_.Thread(event, Keeps(event));
        break;
      case EventType::kMark:
      case EventType::kSample:
        out_.Pass(event);
        break;
    }
  }

  const std::unordered_set<std::uint64_t> numbers_;
  Renumberer out_;
};

class SizeFilter : public Filter {
 public:
  SizeFilter(std::uint64_t minBytes, std::uint64_t maxBytes, EventSink& next)
      : minBytes_(minBytes), maxBytes_(maxBytes), out_(next) {}

  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) Take(event);
  }
  void Finish() override { out_.Finish(); }

 private:
  void Take(const Event& event) {
    const bool fits = event.size >= minBytes_ && event.size <= maxBytes_;
    switch (event.type) {
      case EventType::kAlloc:
        if (fits) out_.Alloc(event);
        break;
      case EventType::kFree:
        out_.Free(event);
        break;
      case EventType::kRealloc:
        if (out_.IsKept(event.id)) {
          fits ? out_.Realloc(event) : out_.Free(event);
        } else if (fits) {
          out_.ReallocAsAlloc(event);
        }
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

  const std::uint64_t minBytes_;
  const std::uint64_t maxBytes_;
  Renumberer out_;
};

}  // namespace

std::unique_ptr<Filter> MakeHeadFilter(std::uint64_t events, EventSink& next) {
  return std::make_unique<HeadFilter>(events, next);
}

std::unique_ptr<Filter> MakeThreadFilter(std::span<const std::uint64_t> threads, EventSink& next) {
  return std::make_unique<ThreadFilter>(threads, next);
}

std::unique_ptr<Filter> MakeSizeFilter(std::uint64_t minBytes, std::uint64_t maxBytes, EventSink& next) {
  return std::make_unique<SizeFilter>(minBytes, maxBytes, next);
}

}  // namespace rmem
