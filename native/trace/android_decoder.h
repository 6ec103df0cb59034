#pragma once

#include "trace/event_batch.h"
#include "trace/line_decoder.h"
#include "trace/thread_table.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Android memory_replay text: `TID: malloc PTR SIZE`, `calloc PTR N SIZE`, `memalign PTR ALIGN SIZE`,
 * `realloc NEW OLD SIZE`, `free PTR`, `thread_done 0x0`; TID and sizes decimal, pointers hexadecimal;
 * `START_NS END_NS` may follow, and for free and realloc before them a column that tells how much was
 * present. Empty lines are skipped.
 */
class AndroidDecoder : public LineDecoder {
 public:
  AndroidDecoder(TraceInfo& info, EventSink& sink) : info_(info), out_(sink), threads_(out_) {}

 protected:
  void Line(const char* begin, const char* end) override;
  void End() override;

 private:
  class Fields;
  void Alloc(Fields& in, std::uint64_t thread, bool calloc, bool memalign);
  void Realloc(Fields& in, std::uint64_t thread);
  void Free(Fields& in, std::uint64_t thread);
  void ThreadDone(Fields& in, std::uint64_t thread);
  void Emit(Event& event, std::uint64_t thread);

  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
};

}  // namespace rmem
