#include "trace/analyser.h"

#include <algorithm>
#include <bit>
#include <string>

#include "trace/burst_counts.h"
#include "trace/live_series.h"
#include "trace/rmt_format.h"
#include "trace/size_uses.h"
#include "trace/trace_error.h"
#include "trace/transaction_counts.h"

namespace rmem {
namespace {

constexpr std::size_t kTopSizes = 20;
constexpr std::size_t kMarksKept = 256;
// More live bytes than this are no program's, and sums beyond it could overflow.
constexpr std::uint64_t kMaxLiveBytes = std::uint64_t{1} << 62;

}  // namespace

class Analyser::Impl {
 public:
  explicit Impl(const TraceNames& names) : names_(names) {}

  void Take(const Event& event) {
    event_ = ++a_.events;
    place_ = event.position != 0 ? event.position : event_;
    ++a_.eventsByType[static_cast<std::size_t>(event.type)];
    if (event.timeNs != kNoTime) {
      if (a_.firstTimeNs == kNoTime) a_.firstTimeNs = event.timeNs;
      a_.lastTimeNs = event.timeNs;
    }
    ThreadActivity& thread = Thread(event.thread);
    ++thread.events;
    thread.lastEvent = event_;

    switch (event.type) {
      case EventType::kAlloc:
        Alloc(event, thread);
        break;
      case EventType::kFree:
        Free(event, thread);
        break;
      case EventType::kRealloc:
        Realloc(event, thread);
        break;
      case EventType::kBegin:
        Placed([&] { transactions_.Begin(event, event_); });
        break;
      case EventType::kCommit:
      case EventType::kAbort:
        Placed([&] {
          transactions_.End(event, event_, [&](const AnalysedBlock& block) { Count(0, block, event); });
        });
        break;
      case EventType::kThreadStart:
        thread.originThread = event.id;
        break;
      case EventType::kThreadEnd:
        thread.ended = true;
        break;
      case EventType::kMark:
        Mark(event);
        break;
      case EventType::kSample:
        ++a_.samples;
        a_.largestSampleUsed = std::max(a_.largestSampleUsed, event.size);
        break;
    }
    if (series_.Wants(event_)) series_.Add(Now(event.timeNs));
  }

  void Finish() {
    a_.end = Now(a_.lastTimeNs);
    a_.end.event = a_.events;
    a_.openAtEnd = transactions_.open();
    bursts_.Finish();
    a_.liveOverTime = std::move(series_.points());
    a_.topSizes = sizeUses_.Top(kTopSizes);
    a_.topSizesExact = sizeUses_.exact();
    a_.sizeUses = sizeUses_.All();
  }

  TraceAnalysis a_;

 private:
  LivePoint Now(std::uint64_t timeNs) const { return {event_, timeNs, liveBytes_, live_.size()}; }

  [[noreturn]] void Fail(const char* code, const std::string& what) const {
    throw TraceError(code, what).AtEvent(place_);
  }

  /** Runs `count`, and says of its complaints where they belong. */
  template <class F>
  void Placed(F&& count) const {
    try {
      count();
    } catch (TraceError& error) {
      throw error.AtEvent(place_);
    }
  }

  ThreadActivity& Thread(std::uint32_t index) {
    if (index >= a_.threads.size()) {
      if (index >= kMaxThreads)
        Fail("bad-thread",
             "thread " + std::to_string(index) + " is beyond the 1,048,576 threads a trace may have");
      const std::size_t before = a_.threads.size();
      a_.threads.resize(std::size_t{index} + 1);
      for (std::size_t at = before; at <= index; ++at) a_.threads[at].originThread = at;
    }
    ThreadActivity& thread = a_.threads[index];
    if (thread.firstEvent == 0) thread.firstEvent = event_;
    return thread;
  }

  KindActivity& Kind(std::uint16_t index) {
    if (index >= a_.kinds.size()) a_.kinds.resize(std::size_t{index} + 1);
    return a_.kinds[index];
  }

  void Alloc(const Event& event, ThreadActivity& thread) {
    Born(event.id, event, thread, 0);
    if (event.flags & kFlagZeroed) {
      ++a_.zeroedBlocks;
      a_.zeroedBytes = SaturatingAdd(a_.zeroedBytes, event.size);
    }
    if (event.alignment == 0) {
      ++a_.defaultAlignments;
    } else {
      ++a_.alignments[static_cast<std::size_t>(std::countr_zero(event.alignment))];
    }
  }

  void Free(const Event& event, ThreadActivity& thread) {
    const AnalysedBlock block = Dead(event.id, event);
    bursts_.Freed(event.id, block.thread, event.thread);
    ++thread.frees;
    if (block.thread != event.thread) ++a_.crossThreadFrees;
    if (event.flags & kFlagSizeTold) {
      ++a_.toldFrees;
      if (event.size != block.size) ++a_.wronglyToldFrees;
    }
  }

  void Realloc(const Event& event, ThreadActivity& thread) {
    const AnalysedBlock old = Dead(event.id, event);
    if (old.thread != event.thread) ++a_.crossThreadReallocs;
    if (event.size > old.size) {
      ++a_.reallocsGrown;
    } else if (event.size < old.size) {
      ++a_.reallocsShrunk;
    } else {
      ++a_.reallocsSame;
    }
    a_.reallocBytesKept = SaturatingAdd(a_.reallocBytesKept, std::min(old.size, event.size));
    if (old.reallocs == 0) ++a_.reallocatedBlocks;
    a_.longestReallocChain = std::max<std::uint64_t>(a_.longestReallocChain, old.reallocs + std::uint64_t{1});
    Born(event.newId, event, thread, std::min(old.reallocs, ~std::uint32_t{0} - 1) + 1);
  }

  void Born(std::uint64_t id, const Event& event, ThreadActivity& thread, std::uint32_t reallocs) {
    if (id != births_ + 1) {
      Fail("bad-birth", "block " + std::to_string(id) + " is born where block " +
                            std::to_string(births_ + 1) + " should be");
    }
    births_ = id;
    if (event.size > kMaxBlockBytes || liveBytes_ + event.size > kMaxLiveBytes) {
      Fail("bad-size", "a block of " + std::to_string(event.size) + " bytes fits into no address space");
    }
    if (event.scope != 0) Placed([&] { transactions_.Born(id, event); });
    live_.Insert(id, AnalysedBlock{event.size, event.scope, event_, event.timeNs, event.thread, reallocs,
                                   event.name, event.scope != 0 && (event.flags & kFlagDiesWithScope) != 0});
    ++thread.births;
    thread.bytes = SaturatingAdd(thread.bytes, event.size);
    a_.bytesRequested = SaturatingAdd(a_.bytesRequested, event.size);
    a_.sizes.Add(event.size);
    sizeUses_.Born(event.size);
    bursts_.Born(id, event.thread, event.size, event_, event.type == EventType::kRealloc);

    KindActivity& kind = Kind(event.name);
    ++kind.births;
    kind.bytes = SaturatingAdd(kind.bytes, event.size);
    ++kind.liveBlocks;
    kind.liveBytes += event.size;
    kind.peakLiveBytes = std::max(kind.peakLiveBytes, kind.liveBytes);

    liveBytes_ += event.size;
    if (liveBytes_ > a_.peak.bytes) {
      a_.peak = Now(event.timeNs);
      sizeUses_.Peak();
    }
    a_.peakBlocks = std::max<std::uint64_t>(a_.peakBlocks, live_.size());
  }

  /** Takes a block out of the living. */
  AnalysedBlock Dead(std::uint64_t id, const Event& event) {
    AnalysedBlock block;
    if (!live_.Take(id, &block)) {
      if (id != 0 && id <= births_) {
        Fail("double-free", "block " + std::to_string(id) + " is freed or moved after its death");
      }
      Fail("unknown-block", "block " + std::to_string(id) + " is freed or moved, but was never born");
    }
    Count(id, block, event);
    return block;
  }

  void Count(std::uint64_t id, const AnalysedBlock& block, const Event& death) {
    const std::uint64_t lifetime = event_ - block.birthEvent;
    a_.lifetimeEvents.Add(lifetime);
    // Clocks of several threads may disagree by a little: such a block lived for 0 ns.
    if (block.birthTimeNs != kNoTime && death.timeNs != kNoTime) {
      a_.lifetimeNs.Add(death.timeNs > block.birthTimeNs ? death.timeNs - block.birthTimeNs : 0);
    }
    liveBytes_ -= block.size;
    sizeUses_.Died(block.size);
    bursts_.Died(id, block.thread, block.size, event_);
    KindActivity& kind = Kind(block.kind);
    --kind.liveBlocks;
    kind.liveBytes -= block.size;
    ++kind.lifetimeWidths[static_cast<std::size_t>(std::bit_width(lifetime))];
  }

  void Mark(const Event& event) {
    if (a_.marks.size() < kMarksKept) a_.marks.push_back({event_, event.name});
    if (!a_.hasOpening && event.name < names_.marks.size() && names_.marks[event.name] == "start") {
      a_.hasOpening = true;
      a_.opening = Now(event.timeNs);
      a_.openingTransactions = transactions_.open();
    }
  }

  const TraceNames& names_;
  AnalysedBlocks live_;
  TransactionCounts transactions_{live_, a_};
  SizeUses sizeUses_;
  BurstCounts bursts_{live_, a_.bursts};
  LiveSeries series_;
  std::uint64_t event_ = 0;
  std::uint64_t place_ = 0;  // the number of the event in its source
  std::uint64_t births_ = 0;
  std::uint64_t liveBytes_ = 0;
};

Analyser::Analyser(const TraceNames& names) : impl_(std::make_unique<Impl>(names)) {}
Analyser::~Analyser() = default;

void Analyser::Consume(std::span<const Event> events) {
  for (const Event& event : events) impl_->Take(event);
}

void Analyser::Finish() {
  impl_->Finish();
}

const TraceAnalysis& Analyser::analysis() const {
  return impl_->a_;
}

}  // namespace rmem
