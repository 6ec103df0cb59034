#pragma once

#include <cstdint>
#include <memory>

#include "trace/byte_output.h"
#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

struct CanonicalWriterOptions {
  bool times = true;             // false: leave the times out
  std::uint32_t timeUnitNs = 1;  // times are rounded down to multiples of this since the first one
};

/**
 * Writes canonical events as a `.rmt` file of the canonical profile. The header is written from `info.header`
 * at the first event, the trailer from `info.names` and `info.report` at the end: both must be filled by
 * then. Bytes come in blocks of at most 64 KiB and a few. An empty trace is a valid file.
 *
 * Only canonical numbering can be written: throws TraceError `not-canonical` on a birth or begin out of
 * sequence.
 */
class CanonicalWriter : public EventSink {
 public:
  CanonicalWriter(const TraceInfo& info, const CanonicalWriterOptions& options, ByteOutput output);
  ~CanonicalWriter() override;

  void Consume(std::span<const Event> events) override;
  void Finish() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rmem
