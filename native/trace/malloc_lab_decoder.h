#pragma once

#include "trace/event_batch.h"
#include "trace/line_decoder.h"
#include "trace/text_fields.h"
#include "trace/thread_table.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * CS:APP malloc-lab `.rep`: four numbers (size of the heap, ids, calls, weight; or weight, ids, calls, a flag
 * that ranges are to be ignored: the second and third are the same in both), then `a ID SIZE`, `r ID SIZE`,
 * where the block keeps its id, and `f ID`; ids and sizes decimal, `f -1` frees NULL. Empty lines are
 * skipped. An id beyond those the header announces is a repair (`id-beyond-header`); another number of calls
 * than announced is a warning, with `strict` the error `truncated`. Events have the id + 1. There is one
 * thread.
 */
class MallocLabDecoder : public LineDecoder {
 public:
  MallocLabDecoder(const DecoderOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options), info_(info), out_(sink), threads_(out_) {}

 protected:
  void Line(const char* begin, const char* end) override;
  void End() override;

 private:
  static constexpr int kHeaderNumbers = 4;
  std::uint64_t Id(TextFields& in);
  std::uint64_t Size(TextFields& in);

  const DecoderOptions options_;
  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  std::uint64_t header_[kHeaderNumbers] = {};
  int headerNumbers_ = 0;  // how many have come
  std::uint64_t calls_ = 0;
};

}  // namespace rmem
