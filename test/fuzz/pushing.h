#pragma once

#include <algorithm>
#include <memory>

#include "fuzzing.h"
#include "trace/decoder.h"
#include "trace/normaliser.h"

namespace rmem::fuzzing {

/** Pushes `bytes` in pieces of `piece` bytes; bad input is an error, and nothing else. */
inline bool Decode(TraceFormat format, const DecoderOptions& options, TraceInfo& info, EventSink& sink,
                   std::span<const std::byte> bytes, std::size_t piece) {
  try {
    const std::unique_ptr<Decoder> decoder = MakeDecoder(format, options, info, sink);
    while (!bytes.empty()) {
      decoder->Push(bytes.first(std::min(piece, bytes.size())));
      bytes = bytes.subspan(std::min(piece, bytes.size()));
    }
    decoder->Finish();
    return true;
  } catch (const TraceError&) {
    return false;
  }
}

/** Aborts on a call site that is none of the trace's. */
class MustHaveSites : public EventSink {
 public:
  MustHaveSites(const TraceInfo& info, EventSink& next) : info_(info), next_(next) {}
  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) {
      if (event.site >= info_.callSites.nodes().size()) std::abort();
    }
    next_.Consume(events);
  }
  void Finish() override { next_.Finish(); }

 private:
  const TraceInfo& info_;
  EventSink& next_;
};

/** Decodes and repairs what follows the first byte, which chooses the size of the pieces. */
inline void DecodePieces(TraceFormat format, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  MustHaveSites sites(info, check);
  Normaliser normaliser(info, sites);
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  Decode(format, {}, info, normaliser, input, std::size_t{1} + data[0] * 7);
}

}  // namespace rmem::fuzzing
