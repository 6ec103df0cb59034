#pragma once

#include <algorithm>
#include <memory>

#include "fuzzing.h"
#include "trace/decoder.h"

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

}  // namespace rmem::fuzzing
