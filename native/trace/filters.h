#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Filters take canonical events (behind a Normaliser or Validator) and hand on canonical events: blocks,
 * transactions and threads are numbered anew, so that they can be chained in any order. Each keeps references
 * to `info` (where it takes one) and `next`. Their memory is the live blocks and open transactions.
 */
class Filter : public EventSink {
 public:
  /** True when no later event can matter any more: the source may stop reading and call Finish. */
  virtual bool Satisfied() const { return false; }
};

/** The first `events` events. */
std::unique_ptr<Filter> MakeHeadFilter(std::uint64_t events, EventSink& next);

/**
 * Blocks born on, and transactions begun on, the threads with these numbers in the source (the `id` of their
 * thread start; the dense index where a thread has none), with all that happens to them: frees and reallocs
 * by other threads too. Marks and samples all stay. Other threads appear in the result only where one of its
 * events is theirs.
 */
std::unique_ptr<Filter> MakeThreadFilter(std::span<const std::uint64_t> threads, EventSink& next);

/**
 * Blocks while their size is in [minBytes, maxBytes]. A realloc out of the range becomes a free, one into it
 * an alloc. What is no block passes.
 */
std::unique_ptr<Filter> MakeSizeFilter(std::uint64_t minBytes, std::uint64_t maxBytes, EventSink& next);

/**
 * Events with fromNs ≤ time - first time < toNs. What is alive at fromNs comes first, as it is then: threads,
 * open transactions and blocks in the order of their birth, then the mark `start` (where fromNs > 0; a later
 * `start` is left out). Throws TraceError `no-times` for a trace without times.
 */
std::unique_ptr<Filter> MakeTimeFilter(std::uint64_t fromNs, std::uint64_t toNs, TraceInfo& info,
                                       EventSink& next);

/** Leaves out transactions. A block that dies with one is freed at its end, as by a program without arenas.
 */
std::unique_ptr<Filter> MakeUnmarkedFilter(EventSink& next);

/**
 * Marks phases that a TransactionFinder found (`boundaries` are its own, of the same trace) as transactions
 * of the type `found`: a begin before the first birth, a commit after the last death; what is born between
 * has it as its scope. Frees stay what they were. Takes a trace without transactions.
 */
std::unique_ptr<Filter> MakeTransactionMarker(std::span<const std::byte> boundaries, TraceInfo& info,
                                              EventSink& next);

/**
 * Takes out what could tell where a trace comes from: kinds, transaction types and marks (except `start` and
 * `stop`) become kind1…, type1…, mark1…; threads get the numbers 1…; times start at 0; of the header only the
 * technical fields remain. The stages behind it must use `anonymousInfo`, which it fills as it goes.
 */
std::unique_ptr<Filter> MakeAnonymiser(const TraceInfo& info, TraceInfo& anonymousInfo, EventSink& next);

}  // namespace rmem
