#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "trace/event_batch.h"
#include "trace/filters.h"

namespace rmem {
namespace {

// What says how a trace was made, but not where.
constexpr std::array<const char*, 7> kTechnicalFields = {"allocator", "clock",          "cpus",    "profile",
                                                         "seed",      kStackBytesField, "workload"};

class Anonymiser : public Filter {
 public:
  Anonymiser(const TraceInfo& info, TraceInfo& result, EventSink& next)
      : info_(info), result_(result), out_(next) {}

  void Consume(std::span<const Event> events) override {
    if (!headerTaken_) TakeHeader();
    for (Event event : events) {
      if (event.timeNs != kNoTime) {
        if (firstNs_ == kNoTime) firstNs_ = event.timeNs;
        event.timeNs -= std::min(event.timeNs, firstNs_);
      }
      switch (event.type) {
        case EventType::kAlloc:
        case EventType::kRealloc:
          event.name = StandIn(kinds_, event.name, "kind", info_.names.kinds, result_.names.kinds);
          break;
        case EventType::kBegin:
          event.name = StandIn(types_, event.name, "type", info_.names.transactionTypes,
                               result_.names.transactionTypes);
          break;
        case EventType::kMark:
          event.name = StandIn(marks_, event.name, "mark", info_.names.marks, result_.names.marks);
          break;
        case EventType::kThreadStart:
          event.id = event.thread + std::uint64_t{1};
          break;
        default:
          break;
      }
      out_.Add(event);
    }
  }

  void Finish() override {
    if (!headerTaken_) TakeHeader();
    result_.report = info_.report;
    result_.callSites = info_.callSites.Anonymous();
    result_.origin = info_.origin;
    result_.report.warnings.clear();
    result_.origin.warnings.clear();
    out_.Finish();
  }

 private:
  void TakeHeader() {
    headerTaken_ = true;
    for (const char* field : kTechnicalFields) {
      if (const auto found = info_.header.find(field); found != info_.header.end())
        result_.header.insert(*found);
    }
  }

  /** The index of name `index` in the result; `known` has those that have come before, + 1. */
  static std::uint16_t StandIn(std::vector<std::uint32_t>& known, std::uint16_t index, const char* what,
                               const NameTable& from, NameTable& to) {
    if (index == 0) return 0;
    if (known.size() <= index) known.resize(index + std::size_t{1});
    if (known[index] == 0) {
      const std::string& text = from[index];
      // These two say what is measured, and nothing else.
      const bool stays = std::string_view(what) == "mark" && (text == "start" || text == "stop");
      known[index] = to.Intern(stays ? text : std::string(what).append(std::to_string(to.size()))) + 1u;
    }
    return static_cast<std::uint16_t>(known[index] - 1);
  }

  const TraceInfo& info_;
  TraceInfo& result_;
  EventBatch out_;
  std::vector<std::uint32_t> kinds_;
  std::vector<std::uint32_t> types_;
  std::vector<std::uint32_t> marks_;
  std::uint64_t firstNs_ = kNoTime;
  bool headerTaken_ = false;
};

}  // namespace

std::unique_ptr<Filter> MakeAnonymiser(const TraceInfo& info, TraceInfo& anonymousInfo, EventSink& next) {
  return std::make_unique<Anonymiser>(info, anonymousInfo, next);
}

}  // namespace rmem
