#include "trace/transaction_finder.h"

#include <bit>
#include <string>

#include "trace/live_blocks.h"
#include "trace/phase_boundaries.h"
#include "trace/phase_spans.h"
#include "trace/trace_error.h"

namespace rmem {

class TransactionFinder::Impl {
 public:
  Impl() = default;
  explicit Impl(std::span<const int> levels) : second_(true), given_(levels.begin(), levels.end()) {}

  void Take(const Event& event) {
    ++event_;
    if (event.type == EventType::kThreadStart) Thread(event.thread).phases.originThread = event.id;
    if (!IsBlockEvent(event.type)) return;
    OneThread& thread = Thread(event.thread);
    ++thread.position;
    if (event.type != EventType::kAlloc) Died(event.id, event);
    if (event.type != EventType::kFree) {
      Born(event.type == EventType::kAlloc ? event.id : event.newId, event, thread);
    }
  }

  void Finish() {
    PhaseBoundaries boundaries;
    for (std::size_t index = 0; index < threads_.size(); ++index) {
      OneThread& thread = threads_[index];
      for (unsigned level = 0; level < thread.spans.size(); ++level) {
        thread.spans[level].Retire(~std::uint64_t{0},
                                   [&](const PhaseSpan& span) { Complete(thread, level, span); });
      }
      if (second_) boundaries.AddThread(thread.boundaries);
      search_.births += thread.phases.births;
      search_.bytes += thread.phases.bytes;
      search_.handedOver += thread.phases.handedOver;
      search_.threads.push_back(thread.phases);
    }
    if (second_) {
      search_.boundaries = boundaries.Take();
    } else {
      Choose();
    }
  }

  TransactionSearch search_;

 private:
  struct Block {
    std::uint64_t size;
    std::uint64_t birth;    // position on its thread
    std::uint64_t ordinal;  // of births on its thread
    std::uint32_t thread;
  };

  struct OneThread {
    ThreadPhases phases;
    std::uint64_t position = 0;     // block events so far
    std::vector<PhaseSpans> spans;  // first pass: of every level; second: of the chosen one, or none
    std::vector<PhaseComparison> comparisons;  // first pass: of each level with the next
    ThreadBoundaries boundaries;
  };

  void Choose() {
    PhaseLevels together{};
    for (const ThreadPhases& thread : search_.threads) together = Sum(together, thread.levels);
    const LevelScores common = ScoreCommonLevels(together, search_.births);
    for (ThreadPhases& thread : search_.threads) {
      thread.chosen = ChooseLevel(thread.levels, ScoreLevels(thread.levels, thread.births), common);
    }
  }

  OneThread& Thread(std::uint32_t index) {
    while (index >= threads_.size()) {
      const std::size_t at = threads_.size();
      threads_.emplace_back();
      threads_.back().phases.originThread = at;
      if (!second_) {
        threads_.back().spans.resize(kPhaseLevels);
        threads_.back().comparisons.resize(kPhaseLevels);
      } else if (at < given_.size() && given_[at] >= 0) {
        threads_.back().phases.chosen = static_cast<unsigned>(given_[at]);
        threads_.back().spans.resize(1);
      }
    }
    return threads_[index];
  }

  void Born(std::uint64_t id, const Event& event, OneThread& thread) {
    ++thread.phases.births;
    thread.phases.bytes += event.size;
    live_.Insert(id, Block{event.size, thread.position, thread.phases.births, event.thread});
    births_ = id;
  }

  void Died(std::uint64_t id, const Event& event) {
    Block block;
    if (!live_.Take(id, &block)) {
      const bool dead = id != 0 && id <= births_;
      throw TraceError(dead ? "double-free" : "unknown-block",
                       "block " + std::to_string(id) + " is freed or moved" +
                           (dead ? " after its death" : ", but was never born"))
          .AtEvent(event.position != 0 ? event.position : event_);
    }
    OneThread& home = threads_[block.thread];
    // What another thread frees says nothing of where a phase of this one ends.
    if (block.thread != event.thread) {
      ++home.phases.handedOver;
      return;
    }
    ++home.phases.ownDeaths;
    const PhaseSpan life{block.birth, home.position, 1, block.size, block.ordinal, home.phases.births};
    const std::uint64_t lifetime = home.position - block.birth;
    if (second_) {
      if (!home.spans.empty() && lifetime <= LongestLife(*home.phases.chosen)) {
        Retire(home, 0, *home.phases.chosen);
        home.spans[0].Add(life);
      }
      return;
    }
    const int width = std::bit_width(lifetime > 0 ? lifetime - 1 : 0);
    for (unsigned level = width <= 2 ? 0 : static_cast<unsigned>(width - 2); level < kPhaseLevels; ++level) {
      Retire(home, level, level);
      home.spans[level].Add(life);
    }
  }

  /** Completes what no life of the level can join any more. */
  void Retire(OneThread& thread, unsigned at, unsigned level) {
    const std::uint64_t longest = LongestLife(level);
    if (thread.position <= longest) return;
    const std::uint64_t before = thread.position - longest;
    if (!thread.spans[at].HasEndedBefore(before)) return;
    // The comparison wants the phases of the level below first, which last saw a death some time ago.
    if (!second_ && at > 0) Retire(thread, at - 1, level - 1);
    thread.spans[at].Retire(before, [&](const PhaseSpan& span) { Complete(thread, at, span); });
  }

  void Complete(OneThread& thread, unsigned at, const PhaseSpan& span) {
    if (span.blocks < kFewestBlocks) return;
    if (!second_) {
      thread.phases.levels[at].Add(span);
      if (at > 0) thread.phases.levels[at - 1].keptBlocks += thread.comparisons[at - 1].KeptBlocks(span);
      if (at + 1 < kPhaseLevels) thread.comparisons[at].Complete(span);
      return;
    }
    thread.phases.levels[*thread.phases.chosen].Add(span);
    thread.boundaries.Add(span.first, span.last);
    FoundPhases& found = search_.found;
    ++found.phases;
    found.heldBlocks += span.blocks;
    found.heldBytes += span.bytes;
    found.survivors += span.births() - span.blocks;
    found.blocks.Add(span.blocks);
    found.bytes.Add(span.bytes);
    found.events.Add(span.events());
  }

  const bool second_ = false;
  const std::vector<int> given_{};
  std::vector<OneThread> threads_;
  LiveBlocks<Block> live_;
  std::uint64_t births_ = 0;
  std::uint64_t event_ = 0;
};

TransactionFinder::TransactionFinder() : impl_(std::make_unique<Impl>()) {}
TransactionFinder::TransactionFinder(std::span<const int> levels) : impl_(std::make_unique<Impl>(levels)) {}
TransactionFinder::~TransactionFinder() = default;

void TransactionFinder::Consume(std::span<const Event> events) {
  for (const Event& event : events) impl_->Take(event);
}

void TransactionFinder::Finish() {
  impl_->Finish();
}

const TransactionSearch& TransactionFinder::search() const {
  return impl_->search_;
}

}  // namespace rmem
