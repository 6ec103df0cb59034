#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/normaliser.h"
#include "trace/trace_testing.h"

namespace rmem::testing {

/** What an import made of `text`. */
struct Imported {
  TraceInfo info;
  std::vector<Event> events;
};

inline Imported Import(TraceFormat format, std::string_view text, std::size_t piece = 1000,
                       const DecoderOptions& options = {}) {
  Imported imported;
  Collector sink;
  Normaliser normaliser(imported.info, sink);
  PushAll(*MakeDecoder(format, options, imported.info, normaliser), AsBytes(text), piece);
  EXPECT_EQ(sink.finished, 1);
  imported.events = sink.events;
  return imported;
}

/** The same whatever the pieces are. */
inline void ExpectPiecesDontMatter(TraceFormat format, std::string_view text) {
  const std::vector<Event> whole = Import(format, text).events;
  for (std::size_t piece = 1; piece < 60; ++piece)
    EXPECT_EQ(Import(format, text, piece).events, whole) << piece;
}

/** `text` cut anywhere is read, or refused with a TraceError; nothing else. */
inline void ExpectCutsAreTaken(TraceFormat format, std::string_view text) {
  for (std::size_t length = 0; length < text.size(); ++length) {
    try {
      Import(format, text.substr(0, length));
    } catch (const TraceError& error) {
      EXPECT_NE(error.code(), "") << length;
    }
  }
}

inline TraceError ImportError(TraceFormat format, std::string_view text, const DecoderOptions& options = {}) {
  return ErrorOf([&] { Import(format, text, 1000, options); });
}

}  // namespace rmem::testing
