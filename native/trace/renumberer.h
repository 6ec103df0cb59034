#pragma once

#include <cstdint>
#include <vector>

#include "trace/event_batch.h"
#include "trace/live_blocks.h"
#include "trace/open_transactions.h"

namespace rmem {

/**
 * The output of a filter: takes the events of a canonical trace that are kept, in their own numbers, and
 * hands on a canonical trace without the others. Frees of blocks that were not kept fall away by themselves.
 * It has to see every begin and end: an abort ends children too, and a block that was kept may die with a
 * transaction that was not; it is freed then.
 */
class Renumberer {
 public:
  explicit Renumberer(EventSink& next) : out_(next) {}

  /** A thread start or end. One that is not kept now appears as soon as an event of the thread is. */
  void Thread(const Event& event, bool keep);
  void Begin(const Event& event, bool keep);
  void End(const Event& event);

  bool IsKept(std::uint64_t block) const { return blocks_.Find(block) != nullptr; }
  void Alloc(const Event& event);
  /** Nothing where the block was not kept. */
  void Free(const Event& event);
  /** Of a block that was kept. */
  void Realloc(const Event& event);
  /** The realloc of a block that was not kept, as the birth of one that is. */
  void ReallocAsAlloc(const Event& event);
  /** A mark or sample. */
  void Pass(const Event& event);

  void Finish() { out_.Finish(); }

  /** The number of a thread in the source; its index where no start told it. */
  std::uint64_t ThreadNumber(std::uint32_t thread) const;

 private:
  struct Block {
    std::uint64_t number;
    bool diesInOutput;  // its transaction was kept too, and its end says it all
  };
  struct Mapped {
    std::uint32_t index = 0;  // in the output, from 1
    bool told = false;        // a thread start was seen
    std::uint64_t number = 0;
  };

  Mapped& MappedThread(std::uint32_t thread);
  std::uint32_t ThreadIndex(const Event& event);
  std::uint64_t Born(std::uint64_t id, Event& event);
  void Died(std::uint64_t id, const Event& because);
  void Emit(Event event);

  EventBatch out_;
  LiveBlocks<Block> blocks_;                // kept ones
  LiveBlocks<std::uint64_t> transactions_;  // kept ones
  OpenTransactions open_;                   // all
  std::vector<Mapped> threads_;
  std::uint32_t threadCount_ = 0;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
};

}  // namespace rmem
