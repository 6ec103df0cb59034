#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "trace/event_sink.h"
#include "trace/log_counts.h"
#include "trace/phase_levels.h"

namespace rmem {

/** What a thread does, seen at every level. */
struct ThreadPhases {
  std::uint64_t originThread = 0;  // number in the source, or the dense index where the source says none
  std::uint64_t births = 0, bytes = 0;
  std::uint64_t ownDeaths = 0;   // blocks that died on the thread they were born on
  std::uint64_t handedOver = 0;  // blocks that died on another thread
  PhaseLevels levels{};
  std::optional<unsigned> chosen;  // index of a level
};

/** The phases of all threads at their chosen levels, and what speaks against them. */
struct FoundPhases {
  std::uint64_t phases = 0;
  std::uint64_t heldBlocks = 0, heldBytes = 0;  // born and dead in a phase
  std::uint64_t survivors = 0;                  // born in a phase, not dead within the level's lifetime
  LogCounts blocks, bytes, events;              // of a phase
};

struct TransactionSearch {
  std::uint64_t births = 0, bytes = 0;
  std::uint64_t handedOver = 0;
  std::vector<ThreadPhases> threads;
  FoundPhases found;                  // empty after the first pass
  std::vector<std::byte> boundaries;  // of the second pass: see phase_boundaries.h
};

/**
 * Looks for transactions in a trace that has none marked. On each thread it finds the quiescent points:
 * moments at which no block is alive but those that live long. What counts as long is the level, a power of
 * two of block events of the thread; between two quiescent points lies a phase, whose short-lived blocks were
 * all born and all freed in it, as the blocks of a transaction are. The hierarchy of phases (a statement in a
 * transaction) shows as levels; ChooseLevel says which has the best evidence.
 *
 * The first pass (no levels given) sees every level and chooses; the second is given the choice and finds the
 * boundaries. Both take a trace without transactions (MakeUnmarkedFilter). Memory follows the live blocks,
 * and per thread and level the phases that may still be joined.
 *
 * Throws TraceError `double-free` and `unknown-block`.
 */
class TransactionFinder : public EventSink {
 public:
  /** First pass. */
  TransactionFinder();
  /** Second pass: the level of each thread, by dense index; negative where none was chosen. */
  explicit TransactionFinder(std::span<const int> levels);
  ~TransactionFinder() override;
  void Consume(std::span<const Event> events) override;
  void Finish() override;

  /** Complete after Finish. */
  const TransactionSearch& search() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
