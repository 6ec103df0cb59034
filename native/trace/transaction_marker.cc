#include <vector>

#include "trace/event_batch.h"
#include "trace/filters.h"
#include "trace/phase_boundaries.h"
#include "trace/renumbering_filter.h"

namespace rmem {
namespace {

class UnmarkedFilter : public RenumberingFilter {
 public:
  using RenumberingFilter::RenumberingFilter;

 private:
  void Take(const Event& event) override {
    event.type == EventType::kBegin ? out_.Begin(event, false) : Keep(event);
  }
};

class TransactionMarker : public Filter {
 public:
  TransactionMarker(std::span<const std::byte> boundaries, TraceInfo& info, EventSink& next)
      : bytes_(boundaries.begin(), boundaries.end()),
        cursors_(ReadBoundaries(bytes_)),
        threads_(cursors_.size()),
        info_(info),
        type_(info.names.transactionTypes.Intern("found")),
        out_(next) {}

  void Consume(std::span<const Event> events) override {
    // The reader of the source has put its own header there by now.
    info_.header["transactions"] = "found by the lives of blocks, not marked by the program";
    for (const Event& event : events) Take(event);
  }
  void Finish() override { out_.Finish(); }

 private:
  struct OneThread {
    std::uint64_t position = 0;
    std::uint64_t open = 0;  // transaction, or 0
  };

  void Take(Event event) {
    if (!IsBlockEvent(event.type) || event.thread >= threads_.size()) {
      out_.Add(event);
      return;
    }
    OneThread& thread = threads_[event.thread];
    BoundaryCursor& phase = cursors_[event.thread];
    if (++thread.position == phase.first()) {
      Event begin = Beside(event, EventType::kBegin, ++begins_);
      begin.name = type_;
      out_.Add(begin);
      thread.open = begins_;
    }
    if (event.type != EventType::kFree) event.scope = thread.open;
    out_.Add(event);
    if (thread.position == phase.last()) {
      out_.Add(Beside(event, EventType::kCommit, thread.open));
      thread.open = 0;
      phase.Next();
    }
  }

  static Event Beside(const Event& event, EventType type, std::uint64_t transaction) {
    Event mark;
    mark.type = type;
    mark.thread = event.thread;
    mark.timeNs = event.timeNs;
    mark.position = event.position;
    mark.id = transaction;
    return mark;
  }

  const std::vector<std::byte> bytes_;  // the cursors read it
  std::vector<BoundaryCursor> cursors_;
  std::vector<OneThread> threads_;
  TraceInfo& info_;
  const std::uint16_t type_;
  EventBatch out_;
  std::uint64_t begins_ = 0;
};

}  // namespace

std::unique_ptr<Filter> MakeUnmarkedFilter(EventSink& next) {
  return std::make_unique<UnmarkedFilter>(next);
}

std::unique_ptr<Filter> MakeTransactionMarker(std::span<const std::byte> boundaries, TraceInfo& info,
                                              EventSink& next) {
  return std::make_unique<TransactionMarker>(boundaries, info, next);
}

}  // namespace rmem
