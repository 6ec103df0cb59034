#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "trace/analysed_block.h"
#include "trace/trace_analysis.h"
#include "trace/trace_error.h"

namespace rmem {

/**
 * Follows the transactions of a trace and what is born in them. Memory: a number for each block that is alive
 * in an open transaction, or died in it not long ago. Throws TraceError `bad-transaction`, without a place.
 */
class TransactionCounts {
 public:
  TransactionCounts(AnalysedBlocks& live, TraceAnalysis& analysis) : live_(live), a_(analysis) {}

  void Begin(const Event& event, std::uint64_t at);

  /** A block of the open transaction `event.scope`, before it is put among the living. */
  void Born(std::uint64_t id, const Event& event);

  /** Calls died(block) for each block that dies with the transaction; it is out of the living by then. */
  template <class F>
  void End(const Event& event, std::uint64_t at, F&& died) {
    Transaction& ended = Open(event.id, event.type == EventType::kCommit ? "a commit" : "an abort");
    const bool inherit = CheckEnd(event, ended);
    std::uint64_t survivors = 0;
    Transaction* parent = ended.parent == 0 ? nullptr : &open_.at(ended.parent);
    for (const std::uint64_t id : ended.members) {
      AnalysedBlock* block = live_.Find(id);
      if (block == nullptr || block->scope != event.id) continue;
      if (inherit) {
        block->scope = ended.parent;
        Join(ended.parent, *parent, id);
      } else if (block->diesWithScope) {
        const AnalysedBlock dead = *block;
        live_.Erase(id);
        died(dead);
        ++a_.impliedFrees;
      } else {
        block->scope = 0;
        ++survivors;
      }
    }
    Close(event, at, ended, parent, survivors);
  }

  std::uint64_t open() const { return open_.size(); }

 private:
  struct Transaction {
    std::uint64_t parent = 0;
    std::uint64_t children = 0;  // open ones
    std::uint64_t depth = 1;
    std::uint64_t blocks = 0, bytes = 0;  // born in it and in its ended savepoints
    std::uint64_t beginEvent = 0, beginTimeNs = kNoTime;
    std::uint16_t type = 0;
    // Births in it, and blocks inherited; may hold dead ones, but never more than a few times the living.
    std::vector<std::uint64_t> members;
    std::size_t sweepAt = 64;
  };

  Transaction& Open(std::uint64_t id, const char* what);
  TransactionTypeActivity& Type(std::uint16_t index);
  void Join(std::uint64_t id, Transaction& transaction, std::uint64_t block);
  /** Whether what is alive passes to the parent. */
  bool CheckEnd(const Event& event, const Transaction& ended) const;
  void Close(const Event& event, std::uint64_t at, const Transaction& ended, Transaction* parent,
             std::uint64_t survivors);

  AnalysedBlocks& live_;
  TraceAnalysis& a_;
  std::unordered_map<std::uint64_t, Transaction> open_;
  std::uint64_t begins_ = 0;
};

}  // namespace rmem
