#pragma once

#include <cstdint>
#include <deque>

#include "trace/event_batch.h"
#include "trace/line_decoder.h"
#include "trace/text_fields.h"
#include "trace/thread_table.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * glibc's mtrace: `= Start`, `= End`; `+ PTR SIZE`, `- PTR`, `! PTR SIZE` for a realloc that failed, and for
 * one that did not `< OLD` followed by `> NEW SIZE`; in front of each there may be `@
 * FILE:(SYMBOL+OFFSET)[ADDRESS] `. All numbers are hexadecimal with 0x, a size of zero is `0`, NULL `(nil)`.
 * No threads, no times.
 *
 * Threads may write between the two lines of a realloc: results are matched to the oldest open one. The old
 * address may be used again in between. Counted, beside what the normaliser counts: `realloc-without-result`
 * (dropped: the old block lives on) and `realloc-result-alone` (mended: it is an alloc).
 */
class MtraceDecoder : public LineDecoder {
 public:
  MtraceDecoder(TraceInfo& info, EventSink& sink) : info_(info), out_(sink), threads_(out_) {}

 protected:
  void Line(const char* begin, const char* end) override;
  void End() override;

 private:
  struct Entered {
    std::uint64_t old;
    std::uint64_t line;
  };
  // As many threads may be inside realloc; more means that the results are missing.
  static constexpr std::size_t kMaxEntered = 4096;

  std::uint64_t Pointer(TextFields& in);
  std::uint64_t Size(TextFields& in);
  void Enter(std::uint64_t old);
  void Leave(std::uint64_t block, std::uint64_t size);
  void DetachEntered();
  void Emit(Event& event);

  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  std::deque<Entered> entered_;  // reallocs whose results are still to come
  bool detached_ = false;        // the first of them has told the normaliser that it was entered
};

}  // namespace rmem
