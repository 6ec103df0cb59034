#pragma once

#include <memory>

#include "trace/event_sink.h"
#include "trace/trace_analysis.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Measures a trace while it passes. Memory follows the blocks and transactions that are alive and the number
 * of threads and names, never the length of the trace.
 *
 * Throws TraceError `double-free`, `unknown-block`, `bad-transaction`, `bad-size`, `bad-thread`, with the
 * number of the event.
 */
class Analyser : public EventSink {
 public:
  /** `names` grow while the trace is read; they must outlive the analyser. */
  explicit Analyser(const TraceNames& names);
  ~Analyser() override;
  void Consume(std::span<const Event> events) override;
  void Finish() override;

  /** Complete after Finish. */
  const TraceAnalysis& analysis() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
