#include "trace/canonical_writer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/varint.h"
#include "trace/canonical_block.h"
#include "trace/json_text.h"
#include "trace/rmt_index.h"
#include "trace/rmt_trailer.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// About a payload of usual events; rarer ones make the block split.
constexpr std::size_t kBlockEvents = 16 << 10;

}  // namespace

class CanonicalWriter::Impl {
 public:
  Impl(const TraceInfo& info, const CanonicalWriterOptions& options, ByteOutput output)
      : info_(info),
        options_(options),
        output_(std::move(output)),
        encoder_(std::max(options.timeUnitNs, std::uint32_t{1})) {
    events_.reserve(kBlockEvents);
  }

  void Add(std::span<const Event> events) {
    for (const Event& event : events) {
      const bool timed = options_.times && event.timeNs != kNoTime;
      if (events_.size() == kBlockEvents || (!events_.empty() && timed != timed_)) WriteEvents();
      timed_ = timed;
      if (event.site != 0 && !info_.header.contains(kStackBytesField)) {
        throw TraceError("not-canonical", "an event has a call site, and the header tells no stackBytes")
            .AtEvent(event.position);
      }
      events_.push_back(event);
      if (!timed) events_.back().timeNs = kNoTime;
    }
  }

  void Finish() {
    WriteEvents();
    WriteFileHeader();
    RmtFooter footer{};
    footer.sync = kFooterSync;
    footer.trailerOffset = offset_;
    const std::string trailer = WriteTrailer(info_, counters_);
    WritePieces(RmtBlockType::kTrailer, std::as_bytes(std::span(trailer)));
    footer.indexOffset = offset_;
    for (const auto& piece : IndexPayloads(places_)) WriteBlock(RmtBlockType::kIndex, {}, piece, 0, 0);
    footer.fileBytes = offset_ + sizeof(footer);
    footer.events = counters_.events;
    footer.crc = FooterCrc(footer);
    Write(std::as_bytes(std::span(&footer, 1)));
  }

 private:
  void WriteFileHeader() {
    if (offset_ != 0) return;
    std::map<std::string, std::string> texts = info_.header;
    texts["timeUnitNs"] = std::to_string(std::max(options_.timeUnitNs, std::uint32_t{1}));
    const std::string json = WriteJsonTexts(texts);
    if (json.size() > kMaxHeaderJsonBytes)
      throw TraceError("not-canonical", "the description of the trace is too long");
    RmtFileHeader header{};
    header.magic = kRmtMagic;
    header.version = texts.contains(kStackBytesField) ? kRmtVersionWithSites : kRmtVersion;
    header.profile = static_cast<std::uint16_t>(RmtProfile::kCanonical);
    header.jsonBytes = static_cast<std::uint32_t>(json.size());
    header.crc = FileHeaderCrc(header, std::as_bytes(std::span(json)));
    Write(std::as_bytes(std::span(&header, 1)));
    Write(std::as_bytes(std::span(json)));
  }

  void WriteEvents() {
    if (events_.empty()) return;
    WriteFileHeader();
    WriteEvents(events_);
    events_.clear();
  }

  void WriteEvents(std::span<const Event> events) {
    CanonicalCounters after = counters_;
    if (!MakeNamesSection(info_.names, after, names_)) {
      CanonicalCounters named = after;
      encoder_.Encode(names_, {}, named, payload_);
      WriteBlock(RmtBlockType::kEvents, counters_, payload_, 0, 0);
      counters_ = named;
      WriteEvents(events);
      return;
    }
    encoder_.Encode(names_, events, after, payload_);
    if (payload_.size() > kMaxPayloadBytes) {
      WriteEvents(events.first(events.size() / 2));
      WriteEvents(events.subspan(events.size() / 2));
      return;
    }
    places_.push_back({offset_, counters_.events + 1});
    WriteBlock(RmtBlockType::kEvents, counters_, payload_, events.size(), timed_ ? kBlockHasTimes : 0);
    counters_ = after;
  }

  void WritePieces(RmtBlockType type, std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kMaxPayloadBytes) {
      WriteBlock(type, {}, bytes.subspan(at, std::min(kMaxPayloadBytes, bytes.size() - at)), 0, 0);
    }
  }

  void WriteBlock(RmtBlockType type, const CanonicalCounters& before, std::span<const std::byte> payload,
                  std::size_t events, std::uint8_t flags) {
    RmtBlockHeader header{};
    header.sync = kBlockSync;
    header.type = static_cast<std::uint8_t>(type);
    header.flags = flags;
    header.payloadBytes = static_cast<std::uint32_t>(payload.size());
    header.events = static_cast<std::uint32_t>(events);
    if (type == RmtBlockType::kEvents) before.Store(&header);
    header.payloadCrc = Crc32c(payload);
    header.headerCrc = HeaderCrc(header);
    Write(std::as_bytes(std::span(&header, 1)));
    Write(payload);
  }

  void Write(std::span<const std::byte> bytes) {
    output_(bytes);
    offset_ += bytes.size();
  }

  const TraceInfo& info_;
  const CanonicalWriterOptions options_;
  const ByteOutput output_;
  CanonicalBlockEncoder encoder_;
  CanonicalCounters counters_;
  std::vector<Event> events_;
  bool timed_ = false;
  std::vector<std::byte> names_;
  std::vector<std::byte> payload_;
  std::vector<BlockPlace> places_;
  std::uint64_t offset_ = 0;
};

CanonicalWriter::CanonicalWriter(const TraceInfo& info, const CanonicalWriterOptions& options,
                                 ByteOutput output)
    : impl_(std::make_unique<Impl>(info, options, std::move(output))) {}

CanonicalWriter::~CanonicalWriter() = default;

void CanonicalWriter::Consume(std::span<const Event> events) {
  impl_->Add(events);
}

void CanonicalWriter::Finish() {
  impl_->Finish();
}

}  // namespace rmem
