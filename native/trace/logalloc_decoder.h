#pragma once

#include <cstdint>
#include <string_view>

#include "trace/event_batch.h"
#include "trace/line_decoder.h"
#include "trace/text_fields.h"
#include "trace/thread_table.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Firefox's logalloc: `PID TID CALL(ARGUMENTS)[=RESULT]`, the calls being malloc(s), calloc(n,s),
 * realloc(p,s), posix_memalign(a,s), aligned_alloc(a,s), memalign(a,s), valloc(s), free(p); sizes decimal,
 * pointers `0x…`, or
 * `#N` after its munging. `#0`, `0x0`, `0` and `(nil)` are NULL.
 *
 * A log may have several processes in it, whose addresses have nothing to do with one another: the first is
 * taken, lines of others are counted (`other-process`, dropped), as are calls that allocate nothing
 * (`other-call`). Threads are the TIDs.
 */
class LogallocDecoder : public LineDecoder {
 public:
  LogallocDecoder(TraceInfo& info, EventSink& sink) : info_(info), out_(sink), threads_(out_) {}

 protected:
  void Line(const char* begin, const char* end) override;
  void End() override;

 private:
  enum class Call { kOther, kMalloc, kCalloc, kRealloc, kAligned, kValloc, kFree };
  static Call CallByName(std::string_view name);
  std::uint64_t Number(TextFields& in);
  std::uint64_t Pointer(TextFields& in);
  std::uint64_t Result(TextFields& in);
  void Expect(TextFields& in, char c);
  void Arguments(Call call, TextFields& in, Event* event);

  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  bool anyProcess_ = false;
  std::uint64_t process_ = 0;
};

}  // namespace rmem
