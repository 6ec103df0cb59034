#pragma once

#include <cstdint>
#include <vector>

#include "trace/event_sink.h"
#include "trace/live_blocks.h"
#include "trace/open_transactions.h"
#include "trace/trace_info.h"

namespace rmem {

/** What one call stack has allocated: what its samples stand for, estimates unless every allocation has a
 * stack. */
struct CallSiteActivity {
  std::uint64_t samples = 0;
  double blocks = 0;
  double bytes = 0;
  double peakBytes = 0;  // alive when the whole trace had the most bytes alive, the first time
  double peakBlocks = 0;
  double endBytes = 0;  // alive at the end
};

/** Of a whole trace: what is known exactly, beside what the samples stand for. */
struct CallSiteAnalysis {
  std::vector<CallSiteActivity> sites;  // by site; [0] stays empty
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t peakBytes = 0;
  std::uint64_t samples = 0;
};

/**
 * Adds up what the call sites of a trace allocate. Takes canonical events that an Analyser or Validator has
 * checked. Memory follows the live blocks and the sites. The weight of a sample is StackWeight.
 */
class CallSiteAnalyser : public EventSink {
 public:
  /** The header of `info` must be known before the first event. */
  explicit CallSiteAnalyser(const TraceInfo& info) : info_(info) {}

  void Consume(std::span<const Event> events) override;
  void Finish() override;

  /** Complete after Finish. */
  const CallSiteAnalysis& analysis() const { return analysis_; }

 private:
  struct Block {
    std::uint64_t size;
    std::uint32_t site;
  };
  struct Site {
    CallSiteActivity activity;
    double liveBytes = 0;
    double liveBlocks = 0;
    std::uint64_t peak = 0;  // the number of the peak at which activity's peak figures were taken
  };

  void Take(const Event& event);
  void Born(std::uint64_t id, const Event& event);
  void Died(std::uint64_t id);
  void Change(std::uint32_t index, std::uint64_t size, double sign);
  void TakePeak(Site& site) const;

  const TraceInfo& info_;
  bool begun_ = false;
  std::uint64_t stackBytes_ = 0;
  CallSiteAnalysis analysis_;
  std::vector<Site> sites_;
  LiveBlocks<Block> live_;
  OpenTransactions open_;
  std::uint64_t liveBytes_ = 0;
  std::uint64_t peak_ = 0;  // number of the maximum of live bytes so far
};

}  // namespace rmem
