#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "trace/event_sink.h"
#include "trace/raw_resolver.h"
#include "trace/rmt_format.h"
#include "trace/trace_error.h"
#include "trace/trace_info.h"
#include "trace/validator.h"

namespace rmem::fuzzing {

/** Where events end. */
class Nowhere : public EventSink {
 public:
  void Consume(std::span<const Event>) override {}
  void Finish() override {}
};

/** What comes behind a normaliser or filter must be canonical, whatever the input was: stops the program
 * where it is not. */
class MustBeCanonical : public EventSink {
 public:
  explicit MustBeCanonical(EventSink& next) : validator_(next) {}
  void Consume(std::span<const Event> events) override {
    try {
      validator_.Consume(events);
    } catch (const TraceError& error) {
      std::fprintf(stderr, "not canonical: %s: %s (event %llu)\n", error.code().c_str(), error.what(),
                   static_cast<unsigned long long>(error.event()));
      std::abort();
    }
  }
  void Finish() override { validator_.Finish(); }

 private:
  Validator validator_;
};

/** Makes the checksums of a `.rmt` right as far as its blocks can be followed: what is behind them is to be
 * tested, not they. */
inline void MendChecksums(std::span<std::byte> file) {
  RmtFileHeader start;
  if (file.size() < sizeof(start)) return;
  std::memcpy(&start, file.data(), sizeof(start));
  start.magic = kRmtMagic;
  start.version = kRmtVersion;
  start.jsonBytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(start.jsonBytes, file.size() - sizeof(start)));
  start.crc = FileHeaderCrc(start, file.subspan(sizeof(start), start.jsonBytes));
  std::memcpy(file.data(), &start, sizeof(start));

  for (std::size_t at = sizeof(start) + start.jsonBytes; file.size() - at >= sizeof(RmtFooter);) {
    const auto rest = file.subspan(at);
    RmtFooter footer;
    std::memcpy(&footer, rest.data(), sizeof(footer));
    if (footer.sync == kFooterSync) {
      footer.crc = FooterCrc(footer);
      std::memcpy(rest.data(), &footer, sizeof(footer));
      return;
    }
    RmtBlockHeader header;
    if (rest.size() < sizeof(header)) return;
    std::memcpy(&header, rest.data(), sizeof(header));
    header.sync = kBlockSync;
    header.payloadBytes = static_cast<std::uint32_t>(
        std::min({std::size_t{header.payloadBytes}, rest.size() - sizeof(header), kMaxPayloadBytes}));
    header.payloadCrc = Crc32c(rest.subspan(sizeof(header), header.payloadBytes));
    header.headerCrc = HeaderCrc(header);
    std::memcpy(rest.data(), &header, sizeof(header));
    at += sizeof(header) + header.payloadBytes;
  }
}

}  // namespace rmem::fuzzing
