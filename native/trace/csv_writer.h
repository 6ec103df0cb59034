#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/byte_output.h"
#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Events as CSV with a header row:
 * `time_ns,thread,event,id,new_id,size,align,zeroed,scope,dies_with_scope,parent,
 * inherit,kind,text,used,total,swap,psi`, see csv_records.h, which reads it back. A field that does not
 * apply is empty. Threads are written by their number in the source where a thread start told it. Names are
 * quoted where RFC 4180 asks for it.
 */
class CsvWriter : public EventSink {
 public:
  CsvWriter(const TraceInfo& info, ByteOutput output);

  void Consume(std::span<const Event> events) override;
  void Finish() override;

 private:
  void Write(const Event& event);
  void Flush();

  const TraceInfo& info_;
  ByteOutput output_;
  std::vector<std::uint64_t> threadNumbers_;  // by dense index
  std::string text_;
};

}  // namespace rmem
