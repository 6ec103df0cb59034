#include "trace/analyser.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <unordered_map>

#include "trace/live_blocks.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::size_t kLivePoints = 1024;
constexpr std::size_t kTopSizes = 20;
constexpr std::size_t kMarksKept = 256;
// Sizes up to here are counted one by one in an array; above, in a map with room for kLargeSizes different
// ones.
constexpr std::uint64_t kSmallSize = 32 << 10;
constexpr std::size_t kLargeSizes = 1 << 16;
// More live bytes than this are no program's, and sums beyond it could overflow.
constexpr std::uint64_t kMaxLiveBytes = std::uint64_t{1} << 62;
constexpr std::uint32_t kMaxThreads = 1 << 20;

std::uint64_t SaturatingAdd(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum < a ? std::numeric_limits<std::uint64_t>::max() : sum;
}

/** How often each size was asked for; exact up to kLargeSizes different large ones. */
class SizeCounts {
 public:
  void Add(std::uint64_t size) {
    if (size <= kSmallSize) {
      ++small_[size];
      return;
    }
    if (const auto found = large_.find(size); found != large_.end()) {
      ++found->second;
    } else if (large_.size() < kLargeSizes) {
      large_.emplace(size, 1);
    } else {
      exact_ = false;
    }
  }

  bool exact() const { return exact_; }

  std::vector<SizeCount> Top(std::size_t count) const {
    std::vector<SizeCount> all;
    for (std::uint64_t size = 0; size <= kSmallSize; ++size) {
      if (small_[size] != 0) all.push_back({size, small_[size]});
    }
    for (const auto& [size, times] : large_) all.push_back({size, times});
    const auto more = [](const SizeCount& a, const SizeCount& b) {
      return a.count != b.count ? a.count > b.count : a.size < b.size;
    };
    const std::size_t kept = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(), more);
    all.resize(kept);
    return all;
  }

 private:
  std::vector<std::uint64_t> small_ = std::vector<std::uint64_t>(kSmallSize + 1);
  std::unordered_map<std::uint64_t, std::uint64_t> large_;
  bool exact_ = true;
};

/** Points at even distances: when they are too many every second one goes, and the distance doubles. */
class LiveSeries {
 public:
  void Add(const LivePoint& point) {
    if (point.event % stride_ != 0) return;
    points_.push_back(point);
    if (points_.size() < kLivePoints) return;
    stride_ *= 2;
    std::erase_if(points_, [this](const LivePoint& kept) { return kept.event % stride_ != 0; });
  }
  std::uint64_t stride() const { return stride_; }
  std::vector<LivePoint>& points() { return points_; }

 private:
  std::vector<LivePoint> points_;
  std::uint64_t stride_ = 1;
};

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
        Begin(event);
        break;
      case EventType::kCommit:
      case EventType::kAbort:
        End(event);
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
    if (event_ % series_.stride() == 0) series_.Add(Now(event.timeNs));
  }

  void Finish() {
    a_.end = Now(a_.lastTimeNs);
    a_.end.event = a_.events;
    a_.openAtEnd = open_.size();
    a_.liveOverTime = std::move(series_.points());
    a_.topSizes = sizeCounts_.Top(kTopSizes);
    a_.topSizesExact = sizeCounts_.exact();
  }

  TraceAnalysis a_;

 private:
  struct Block {
    std::uint64_t size;
    std::uint64_t scope;  // open transaction it belongs to, or 0
    std::uint64_t birthEvent;
    std::uint64_t birthTimeNs;
    std::uint32_t thread;
    std::uint32_t reallocs;
    std::uint16_t kind;
    bool diesWithScope;
  };

  struct Transaction {
    std::uint64_t parent = 0;
    std::uint64_t children = 0;  // open ones
    std::uint64_t depth = 1;
    std::uint64_t blocks = 0;  // born in it and in its ended savepoints
    std::uint16_t type = 0;
    // Births in it, and blocks inherited; may hold dead ones, but never more than a few times the living.
    std::vector<std::uint64_t> members;
    std::size_t sweepAt = 64;
  };

  LivePoint Now(std::uint64_t timeNs) const { return {event_, timeNs, liveBytes_, live_.size()}; }

  [[noreturn]] void Fail(const char* code, const std::string& what) const {
    throw TraceError(code, what).AtEvent(place_);
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

  TransactionTypeActivity& Type(std::uint16_t index) {
    if (index >= a_.transactionTypes.size()) a_.transactionTypes.resize(std::size_t{index} + 1);
    return a_.transactionTypes[index];
  }

  Transaction& Open(std::uint64_t id, const char* what) {
    const auto found = open_.find(id);
    if (found == open_.end()) {
      Fail("bad-transaction",
           std::string(what) + " names transaction " + std::to_string(id) + ", which is not open");
    }
    return found->second;
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
    const Block block = Dead(event.id, event);
    ++thread.frees;
    if (block.thread != event.thread) ++a_.crossThreadFrees;
    if (event.flags & kFlagSizeTold) {
      ++a_.toldFrees;
      if (event.size != block.size) ++a_.wronglyToldFrees;
    }
  }

  void Realloc(const Event& event, ThreadActivity& thread) {
    const Block old = Dead(event.id, event);
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
    if (event.scope != 0) {
      Transaction& scope = Open(event.scope, "a block");
      ++scope.blocks;
      ++a_.scopedBlocks;
      a_.scopedBytes = SaturatingAdd(a_.scopedBytes, event.size);
      TransactionTypeActivity& type = Type(scope.type);
      ++type.blocks;
      type.bytes = SaturatingAdd(type.bytes, event.size);
      Join(event.scope, scope, id);
    }
    live_.Insert(id, Block{event.size, event.scope, event_, event.timeNs, event.thread, reallocs, event.name,
                           event.scope != 0 && (event.flags & kFlagDiesWithScope) != 0});
    ++thread.births;
    thread.bytes = SaturatingAdd(thread.bytes, event.size);
    a_.bytesRequested = SaturatingAdd(a_.bytesRequested, event.size);
    a_.sizes.Add(event.size);
    sizeCounts_.Add(event.size);

    KindActivity& kind = Kind(event.name);
    ++kind.births;
    kind.bytes = SaturatingAdd(kind.bytes, event.size);
    ++kind.liveBlocks;
    kind.liveBytes += event.size;
    kind.peakLiveBytes = std::max(kind.peakLiveBytes, kind.liveBytes);

    liveBytes_ += event.size;
    if (liveBytes_ > a_.peak.bytes) a_.peak = Now(event.timeNs);
    a_.peakBlocks = std::max<std::uint64_t>(a_.peakBlocks, live_.size());
  }

  /** Takes a block out of the living. */
  Block Dead(std::uint64_t id, const Event& event) {
    Block block;
    if (!live_.Take(id, &block)) {
      if (id != 0 && id <= births_) {
        Fail("double-free", "block " + std::to_string(id) + " is freed or moved after its death");
      }
      Fail("unknown-block", "block " + std::to_string(id) + " is freed or moved, but was never born");
    }
    Count(block, event);
    return block;
  }

  void Count(const Block& block, const Event& death) {
    const std::uint64_t lifetime = event_ - block.birthEvent;
    a_.lifetimeEvents.Add(lifetime);
    // Clocks of several threads may disagree by a little: such a block lived for 0 ns.
    if (block.birthTimeNs != kNoTime && death.timeNs != kNoTime) {
      a_.lifetimeNs.Add(death.timeNs > block.birthTimeNs ? death.timeNs - block.birthTimeNs : 0);
    }
    liveBytes_ -= block.size;
    KindActivity& kind = Kind(block.kind);
    --kind.liveBlocks;
    kind.liveBytes -= block.size;
    ++kind.lifetimeWidths[static_cast<std::size_t>(std::bit_width(lifetime))];
  }

  void Join(std::uint64_t id, Transaction& transaction, std::uint64_t block) {
    if (transaction.members.size() >= transaction.sweepAt) {
      std::erase_if(transaction.members, [&](std::uint64_t member) {
        const Block* found = live_.Find(member);
        return found == nullptr || found->scope != id;
      });
      transaction.sweepAt = std::max<std::size_t>(64, transaction.members.size() * 2);
    }
    transaction.members.push_back(block);
  }

  void Begin(const Event& event) {
    if (event.id != begins_ + 1) {
      Fail("bad-transaction", "transaction " + std::to_string(event.id) + " begins where transaction " +
                                  std::to_string(begins_ + 1) + " should");
    }
    begins_ = event.id;
    Transaction begun;
    begun.parent = event.scope;
    begun.type = event.name;
    if (event.scope == 0) {
      ++a_.transactions;
    } else {
      Transaction& parent = Open(event.scope, "a savepoint");
      ++parent.children;
      begun.depth = parent.depth + 1;
      ++a_.savepoints;
    }
    a_.deepestNesting = std::max(a_.deepestNesting, begun.depth);
    ++Type(event.name).begins;
    open_.emplace(event.id, std::move(begun));
    a_.mostOpen = std::max<std::uint64_t>(a_.mostOpen, open_.size());
  }

  void End(const Event& event) {
    Transaction& transaction = Open(event.id, event.type == EventType::kCommit ? "a commit" : "an abort");
    if (transaction.children != 0) {
      Fail("bad-transaction", "transaction " + std::to_string(event.id) + " ends before its savepoints");
    }
    const bool inherit = event.type == EventType::kCommit && (event.flags & kFlagInherit) != 0;
    if (inherit && transaction.parent == 0) {
      Fail("bad-transaction",
           "transaction " + std::to_string(event.id) + " hands on to a parent it does not have");
    }
    if (event.type == EventType::kAbort) {
      ++a_.aborts;
      ++Type(transaction.type).aborts;
    } else {
      ++(inherit ? a_.releases : a_.commits);
      ++Type(transaction.type).commits;
    }
    a_.transactionBlocks.Add(transaction.blocks);

    Transaction* parent = transaction.parent == 0 ? nullptr : &open_.at(transaction.parent);
    for (const std::uint64_t id : transaction.members) {
      Block* block = live_.Find(id);
      if (block == nullptr || block->scope != event.id) continue;
      if (inherit) {
        block->scope = transaction.parent;
        Join(transaction.parent, *parent, id);
      } else if (block->diesWithScope) {
        const Block dead = *block;
        live_.Erase(id);
        Count(dead, event);
        ++a_.impliedFrees;
      } else {
        block->scope = 0;
        ++a_.outlivingBlocks;
      }
    }
    if (parent != nullptr) {
      --parent->children;
      parent->blocks += transaction.blocks;
    }
    open_.erase(event.id);
  }

  void Mark(const Event& event) {
    if (a_.marks.size() < kMarksKept) a_.marks.push_back({event_, event.name});
    if (!a_.hasOpening && event.name < names_.marks.size() && names_.marks[event.name] == "start") {
      a_.hasOpening = true;
      a_.opening = Now(event.timeNs);
      a_.openingTransactions = open_.size();
    }
  }

  const TraceNames& names_;
  LiveBlocks<Block> live_;
  std::unordered_map<std::uint64_t, Transaction> open_;
  SizeCounts sizeCounts_;
  LiveSeries series_;
  std::uint64_t event_ = 0;
  std::uint64_t place_ = 0;  // the number of the event in its source
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
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
