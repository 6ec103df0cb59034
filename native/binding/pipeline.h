#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "replay/planner.h"
#include "trace/allocation_profile.h"
#include "trace/analyser.h"
#include "trace/call_site_analyser.h"
#include "trace/decoder.h"
#include "trace/filters.h"
#include "trace/generator.h"
#include "trace/kind_rules.h"
#include "trace/series_sink.h"
#include "trace/trace_info.h"
#include "trace/transaction_finder.h"

namespace rmem {

/** What a pipeline leaves out of a trace. Applied in the order: time, threads, size, head, names. */
struct FilterOptions {
  std::optional<std::uint64_t> fromNs, toNs;  // since the first event
  std::vector<std::uint64_t> threads;         // numbers in the source; empty: all
  std::optional<std::uint64_t> minBytes, maxBytes;
  std::optional<std::uint64_t> head;  // events of the result
  bool anonymise = false;
  bool noTimes = false;
  bool unmarked = false;                             // before all others
  std::optional<std::vector<std::byte>> boundaries;  // of found transactions, to be marked; right after it
  SiteKinds kinds;                                   // given first of all

  bool Any() const {
    return unmarked || boundaries || fromNs || toNs || !threads.empty() || minBytes || maxBytes || head ||
           anonymise || noTimes || !kinds.ofSite.empty();
  }
};

enum class SourceKind {
  kBytes,     // Push
  kRaw,       // Step: a raw `.rmt`, or a workload of trace-utils, as `format` says, at rawPath
  kWorkload,  // Step: the generator
};

enum class SinkKind { kCount, kInspect, kProfile, kRmt, kCsv, kPlan, kFindTransactions, kSeries };

struct PipelineOptions {
  SourceKind source = SourceKind::kBytes;
  TraceFormat format = TraceFormat::kRmt;  // of kBytes
  DecoderOptions decoder;                  // of kBytes and kRaw
  std::string rawPath;
  std::string workloadProgram;  // of kWorkload: JSON, as ParseWorkloadProgram reads it
  FilterOptions filters;
  SinkKind sink = SinkKind::kCount;
  PlanOptions plan;
  std::optional<std::vector<int>> phaseLevels;  // of kFindTransactions: what the first pass chose
  bool callSites = false;                       // of kInspect: with what each call site allocates
};

/**
 * One run of a trace from a source through filters to a sink, in steps that one thread at a time takes.
 * Memory is bounded by what the stages hold and the output of one step. After a throw (TraceError,
 * std::bad_alloc, std::invalid_argument) the pipeline can only be destroyed.
 */
class Pipeline {
 public:
  explicit Pipeline(const PipelineOptions& options);
  ~Pipeline();

  /** kBytes: the next piece of the input. */
  void Push(std::span<const std::byte> bytes);

  /** The other sources: a piece of work (about 1 MiB of output, or half a million events). False when it is
   * the last. */
  bool Step();

  /** Completes the sink. Where the filters are satisfied the rest of the input need not have come. */
  void Finish();

  /** True when no more input can change the result. */
  bool Satisfied() const;

  /** What a writing sink wrote since the last call. */
  std::vector<std::byte> TakeOutput();

  /** May be called from another thread: the step under way ends soon with TraceError `stopped`. */
  void Stop();

  /** Events that came from the source, and those of them that reached the sink. May be called from any
   * thread. */
  std::uint64_t sourceEvents() const;
  std::uint64_t resultEvents() const;

  /** What is known of the source, and what was repaired. */
  const TraceInfo& info() const;
  /** The same behind the filters: other names where they were anonymised. */
  const TraceInfo& resultInfo() const;

  /** Of kInspect, kProfile (both) and kPlan, after Finish; else null. */
  const TraceAnalysis* analysis() const;
  const PlanSummary* plan() const;
  const AllocationProfile* profile() const;
  /** Of kFindTransactions, after Finish; else null. */
  const TransactionSearch* search() const;
  /** Of kSeries, after Finish; else null. */
  const SeriesSink* series() const;
  /** Of kInspect with callSites. */
  const CallSiteAnalysis* callSites() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
