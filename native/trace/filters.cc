#include "trace/filters.h"

#include <algorithm>
#include <unordered_set>

#include "trace/renumbering_filter.h"

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

class ThreadFilter : public RenumberingFilter {
 public:
  ThreadFilter(std::span<const std::uint64_t> threads, EventSink& next)
      : RenumberingFilter(next), numbers_(threads.begin(), threads.end()) {}

 private:
  bool IsOfThem(const Event& event) const { return numbers_.contains(out_.ThreadNumber(event.thread)); }

  void Take(const Event& event) override {
    switch (event.type) {
      case EventType::kAlloc:
        KeepBlock(event, IsOfThem(event));
        break;
      case EventType::kRealloc:
        KeepBlock(event, out_.IsKept(event.id) || IsOfThem(event));
        break;
      case EventType::kBegin:
        out_.Begin(event, IsOfThem(event));
        break;
      case EventType::kThreadStart:
        out_.Thread(event, numbers_.contains(event.id));
        break;
      case EventType::kThreadEnd:
        out_.Thread(event, IsOfThem(event));
        break;
      default:
        Keep(event);
    }
  }

  const std::unordered_set<std::uint64_t> numbers_;
};

class SizeFilter : public RenumberingFilter {
 public:
  SizeFilter(std::uint64_t minBytes, std::uint64_t maxBytes, EventSink& next)
      : RenumberingFilter(next), minBytes_(minBytes), maxBytes_(maxBytes) {}

 private:
  void Take(const Event& event) override {
    if (event.type == EventType::kAlloc || event.type == EventType::kRealloc) {
      KeepBlock(event, event.size >= minBytes_ && event.size <= maxBytes_);
    } else {
      Keep(event);
    }
  }

  const std::uint64_t minBytes_;
  const std::uint64_t maxBytes_;
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
