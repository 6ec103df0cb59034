#include <algorithm>
#include <vector>

#include "trace/filters.h"
#include "trace/renumbering_filter.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

class TimeFilter : public RenumberingFilter {
 public:
  TimeFilter(std::uint64_t fromNs, std::uint64_t toNs, TraceInfo& info, EventSink& next)
      : RenumberingFilter(next), fromNs_(fromNs), toNs_(toNs), info_(info) {}

  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) {
      if (past_) return;
      if (event.timeNs == kNoTime) {
        throw TraceError("no-times", "the trace has no times to choose a span of").AtEvent(event.position);
      }
      if (firstNs_ == kNoTime) firstNs_ = event.timeNs;
      // A time before the first one can't be told from the first.
      const std::uint64_t sinceNs = event.timeNs - std::min(event.timeNs, firstNs_);
      if (sinceNs >= toNs_) {
        past_ = true;
        return;
      }
      if (!begun_ && sinceNs >= fromNs_) Open(event);
      begun_ ? Take(event) : Watch(event);
    }
  }

  bool Satisfied() const override { return past_; }

 private:
  /** Keeps track of what is alive before the span. */
  void Watch(const Event& event) {
    const auto died = [&](std::uint64_t id) { live_.Erase(id); };
    switch (event.type) {
      case EventType::kAlloc:
        Born(event.id, event);
        break;
      case EventType::kFree:
        live_.Erase(event.id);
        break;
      case EventType::kRealloc:
        live_.Erase(event.id);
        Born(event.newId, event);
        break;
      case EventType::kBegin:
        open_.Begin(event.id, event.scope);
        begins_.Insert(event.id, event);
        break;
      case EventType::kCommit:
      case EventType::kAbort:
        open_.EndDescendants(event.id, died, [&](std::uint64_t child) { begins_.Erase(child); });
        open_.End(event.id, (event.flags & kFlagInherit) != 0, died);
        begins_.Erase(event.id);
        break;
      case EventType::kThreadStart:
        threads_.Insert(event.thread + std::uint64_t{1}, event);
        break;
      case EventType::kThreadEnd:
        threads_.Erase(event.thread + std::uint64_t{1});
        break;
      case EventType::kMark:
      case EventType::kSample:
        break;
    }
  }

  void Born(std::uint64_t id, const Event& event) {
    live_.Insert(id, {event.size, event.scope, event.position, event.thread, event.alignment, event.name,
                      event.flags, event.site});
    if (event.flags & kFlagDiesWithScope) open_.AddDying(event.scope, id);
  }

  /** Emits what is alive, as the beginning of the result. */
  void Open(const Event& first) {
    begun_ = true;
    if (fromNs_ == 0) return;
    const std::uint64_t openingNs = firstNs_ + fromNs_;
    // What was passed on to a parent belongs to it now.
    open_.ForEach([&](std::uint64_t number, const std::vector<std::uint64_t>& dying) {
      for (std::uint64_t id : dying) {
        if (Block* block = live_.Find(id)) block->scope = number;
      }
    });
    for (std::uint64_t key : Sorted(threads_)) EmitAt(openingNs, *threads_.Find(key));
    for (std::uint64_t number : Sorted(begins_)) EmitAt(openingNs, *begins_.Find(number));
    for (std::uint64_t id : Sorted(live_)) {
      const Block& block = *live_.Find(id);
      Event alloc;
      alloc.flags = block.flags;
      alloc.name = block.name;
      alloc.thread = block.thread;
      alloc.id = id;
      alloc.size = block.size;
      alloc.scope = begins_.Find(block.scope) != nullptr ? block.scope : 0;
      alloc.alignment = block.alignment;
      alloc.position = block.position;
      alloc.site = block.site;
      EmitAt(openingNs, alloc);
    }
    Event start;
    start.type = EventType::kMark;
    start.name = info_.names.marks.Intern("start");
    start.thread = first.thread;
    start.position = first.position;
    EmitAt(openingNs, start);
    startMark_ = start.name;
    live_ = {};
    begins_ = {};
    threads_ = {};
    open_ = {};
  }

  void EmitAt(std::uint64_t timeNs, Event event) {
    event.timeNs = timeNs;
    Take(event);
  }

  void Take(const Event& event) override {
    // The span has a start of its own.
    if (startMark_ != 0 && event.type == EventType::kMark && event.name == startMark_) return;
    Keep(event);
  }

  template <class T>
  static std::vector<std::uint64_t> Sorted(const LiveBlocks<T>& map) {
    std::vector<std::uint64_t> ids;
    ids.reserve(map.size());
    map.ForEach([&](std::uint64_t id, const T&) { ids.push_back(id); });
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  struct Block {
    std::uint64_t size;
    std::uint64_t scope;
    std::uint64_t position;
    std::uint32_t thread;
    std::uint32_t alignment;
    std::uint16_t name;
    std::uint8_t flags;
    std::uint32_t site;
  };

  const std::uint64_t fromNs_;
  const std::uint64_t toNs_;
  TraceInfo& info_;
  std::uint64_t firstNs_ = kNoTime;
  bool begun_ = false;
  bool past_ = false;
  std::uint16_t startMark_ = 0;

  // Of the time before the span.
  LiveBlocks<Block> live_;
  LiveBlocks<Event> begins_;
  LiveBlocks<Event> threads_;  // by index + 1
  OpenTransactions open_;
};

}  // namespace

std::unique_ptr<Filter> MakeTimeFilter(std::uint64_t fromNs, std::uint64_t toNs, TraceInfo& info,
                                       EventSink& next) {
  return std::make_unique<TimeFilter>(fromNs, toNs, info, next);
}

}  // namespace rmem
