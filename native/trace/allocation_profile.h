#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

struct BlockCount {
  std::uint64_t blocks = 0, bytes = 0;
};

/** What the stacks of one call site stand for: estimates unless every allocation has its stack. */
struct SiteCount {
  std::uint64_t samples = 0;
  double blocks = 0, bytes = 0;
  // Of these estimates, themselves estimated: 0 where every allocation has its stack.
  double blocksVariance = 0, bytesVariance = 0;
};

/** What was born in the transactions of one type, or outside of every transaction. */
struct AllocationGroup {
  std::uint64_t transactions = 0;  // begun, savepoints not counted
  std::uint64_t aborts = 0;
  BlockCount all;               // allocs and reallocs, each with the whole size it asked for
  std::uint64_t reallocs = 0;   // of them
  std::uint64_t openAtEnd = 0;  // transactions that the trace does not end
  /** By the size asked for; beyond the bound by the size rounded up by at most 1/16. */
  std::unordered_map<std::uint64_t, BlockCount> sizes;
  std::unordered_map<std::uint16_t, BlockCount> kinds;  // by index into TraceNames::kinds
  std::unordered_map<std::uint32_t, SiteCount> sites;   // by Event::site; what has none is not in here
};

/** Who asked for how many blocks of which size. Bytes are bytes asked for. */
struct AllocationProfile {
  std::uint64_t events = 0;  // measured ones: behind the mark `start` and before `stop`, where there are such
  std::uint64_t firstTimeNs = kNoTime, lastTimeNs = kNoTime;
  bool windowed = false;             // a mark `start` or `stop` cut something off
  std::uint64_t roundedBlocks = 0;   // blocks whose size was rounded, because there were too many sizes
  std::uint64_t unlistedBlocks = 0;  // blocks in no row at all, because there were too many rows
  AllocationGroup outside;
  std::map<std::uint16_t, AllocationGroup> types;  // by index into TraceNames::transactionTypes
};

struct AllocationProfilerOptions {
  /** Rows of all tables together: past the first number sizes are rounded, past the second nothing is added.
   */
  std::size_t exactRows = std::size_t{1} << 18;
  std::size_t allRows = std::size_t{1} << 19;
};

/**
 * Counts births by transaction type, size, kind and call site while a trace passes, exactly as long as there
 * are fewer than `exactRows` different ones; of stacks that were sampled it adds up what they stand for
 * (StackWeight). A savepoint belongs to the transaction it was set in. Memory follows the rows, which are
 * bounded, and the open transactions. Expects a trace that somebody checks (Analyser, Validator).
 */
class AllocationProfiler : public EventSink {
 public:
  /** `info` grows while the trace is read and must outlive the profiler; its header must be known before the
   * first event. */
  explicit AllocationProfiler(const TraceInfo& info, const AllocationProfilerOptions& options = {});
  void Consume(std::span<const Event> events) override;
  void Finish() override;

  /** Complete after Finish. */
  const AllocationProfile& profile() const { return profile_; }

 private:
  void Take(const Event& event);
  void Born(const Event& event);
  void Mark(const Event& event);
  AllocationGroup& GroupOf(std::uint64_t scope);
  template <class Map>
  typename Map::mapped_type* Row(Map& rows, typename Map::key_type key, std::size_t bound);

  const TraceInfo& info_;
  AllocationProfilerOptions options_;
  bool begun_ = false;
  std::uint64_t stackBytes_ = 0;
  AllocationProfile profile_;
  struct Open {
    std::uint16_t type;
    bool counted;  // begun in the measured part, and no savepoint
  };
  std::unordered_map<std::uint64_t, Open> open_;
  std::size_t rows_ = 0;
  bool started_ = false, stopped_ = false;
};

}  // namespace rmem
