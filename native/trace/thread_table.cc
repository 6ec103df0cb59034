#include "trace/thread_table.h"

#include "trace/rmt_format.h"
#include "trace/trace_error.h"

namespace rmem {

std::uint32_t ThreadTable::Find(std::uint64_t number, std::uint64_t timeNs, std::uint64_t position) {
  // One number can't be a key, being the 0 of another: no system has it.
  if (number == ~std::uint64_t{0})
    throw TraceError("bad-thread", "a thread has an impossible number").AtLine(position);
  if (const std::uint32_t* index = indices_.Find(number + 1)) {
    lastIndex_ = *index;
  } else {
    if (count_ == kMaxThreads)
      throw TraceError("too-many-threads", "the trace has more than 1,048,576 threads").AtLine(position);
    lastIndex_ = count_++;
    indices_.Insert(number + 1, lastIndex_);
    Event start;
    start.type = EventType::kThreadStart;
    start.thread = lastIndex_;
    start.timeNs = timeNs;
    start.id = number;
    start.position = position;
    out_.Add(start);
  }
  lastNumber_ = number;
  known_ = true;
  return lastIndex_;
}

void ThreadTable::End(std::uint64_t number, std::uint64_t timeNs, std::uint64_t position) {
  Event end;
  end.type = EventType::kThreadEnd;
  end.thread = Index(number, timeNs, position);
  end.timeNs = timeNs;
  end.position = position;
  out_.Add(end);
  indices_.Erase(number + 1);
  known_ = false;
}

}  // namespace rmem
