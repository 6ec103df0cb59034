#include "trace/rmt_decoder.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "trace/json_text.h"
#include "trace/rmt_trailer.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// Larger pieces are taken in slices, so that what is copied stays small.
constexpr std::size_t kSliceBytes = 256 << 10;
constexpr std::size_t kMaxTrailerBytes = 32 << 20;
constexpr const char* kLost = "event-in-damaged-block";

template <class T>
T Read(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

TraceError Damage(const std::string& what) {
  return TraceError("damaged-block", what);
}

bool IsSoundHeader(const RmtBlockHeader& header) {
  return header.sync == kBlockSync && header.payloadBytes <= kMaxPayloadBytes &&
         HeaderCrc(header) == header.headerCrc;
}

bool IsSoundFooter(const RmtFooter& footer) {
  return footer.sync == kFooterSync && FooterCrc(footer) == footer.crc;
}

}  // namespace

RmtStart ReadRmtStart(std::span<const std::byte> bytes) {
  RmtStart start{Read<RmtFileHeader>(bytes), 0};
  if (start.header.magic != kRmtMagic) {
    throw TraceError("not-a-trace", "this is not a .rmt trace: it does not start as one").AtByte(0);
  }
  if (start.header.version != kRmtVersion && start.header.version != kRmtVersionWithSites) {
    throw TraceError("unsupported-version",
                     "this .rmt trace has version " + std::to_string(start.header.version) +
                         "; only versions up to " + std::to_string(kRmtVersionWithSites) + " can be read")
        .AtByte(0);
  }
  if (start.header.jsonBytes > kMaxHeaderJsonBytes)
    throw Damage("the header of the trace is damaged").AtByte(0);
  start.totalBytes = sizeof(RmtFileHeader) + start.header.jsonBytes;
  return start;
}

std::map<std::string, std::string> ReadRmtTexts(const RmtStart& start, std::span<const std::byte> bytes) {
  const auto json = bytes.subspan(sizeof(RmtFileHeader), start.header.jsonBytes);
  if (FileHeaderCrc(start.header, json) != start.header.crc) {
    throw Damage("the header of the trace is damaged: its checksum is wrong").AtByte(0);
  }
  try {
    return ParseJsonTexts({reinterpret_cast<const char*>(json.data()), json.size()});
  } catch (TraceError& error) {
    throw error.AtByte(0);
  }
}

void RmtDecoder::Push(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto slice = bytes.first(std::min(bytes.size(), kSliceBytes));
    bytes = bytes.subspan(slice.size());
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    buffer_.insert(buffer_.end(), slice.begin(), slice.end());
    while (Step()) {
    }
  }
}

void RmtDecoder::Finish() {
  if (state_ == State::kFileHeader) {
    if (buffer_.empty()) throw TraceError("empty", "the trace is empty: it has no bytes at all");
    if (buffer_.size() >= 8 && Read<std::uint64_t>(buffer_) != kRmtMagic) {
      throw TraceError("not-a-trace", "this is not a .rmt trace: it does not start as one").AtByte(0);
    }
    throw TraceError("truncated", "the trace ends inside its header").AtByte(0);
  }
  if (state_ != State::kEnded) {
    const std::string what = "the trace is cut off after event " + std::to_string(counters_.events);
    if (options_.strict) throw TraceError("truncated", what).AtByte(offset_);
    info_.report.warnings.push_back(what + "; what comes before was read");
  }
  if (blocks_.lastSite() >= info_.callSites.nodes().size()) {
    info_.report.warnings.emplace_back(
        "the call sites can't be named: their table was in the part that is missing");
    info_.callSites.Invent(blocks_.lastSite());
  }
  sink_.Finish();
}

bool RmtDecoder::Step() {
  switch (state_) {
    case State::kFileHeader:
      return StepFileHeader();
    case State::kBlocks:
      return StepBlock();
    case State::kSearching:
      return StepSearch();
    case State::kEnded:
      if (Rest().empty()) return false;
      throw Damage("the file goes on after the end of the trace").AtByte(offset_);
  }
  return false;
}

bool RmtDecoder::StepFileHeader() {
  if (Rest().size() < sizeof(RmtFileHeader)) return false;
  const RmtStart start = ReadRmtStart(Rest());
  if (Rest().size() < start.totalBytes) return false;
  info_.header = ReadRmtTexts(start, Rest());
  if (start.header.profile != static_cast<std::uint16_t>(RmtProfile::kCanonical)) {
    throw TraceError("raw-profile", "this is a raw recording, which has to be resolved to one order first")
        .AtByte(0);
  }
  if (start.header.version == kRmtVersionWithSites) {
    if (!info_.header.contains(kStackBytesField))
      throw Damage("the header of the trace has call sites and no stackBytes").AtByte(0);
    blocks_.AllowSites();
  }
  if (const auto unit = info_.header.find("timeUnitNs"); unit != info_.header.end()) {
    const std::string& text = unit->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), timeUnitNs_);
    if (error != std::errc() || end != text.data() + text.size() || timeUnitNs_ == 0) {
      throw Damage("the header of the trace has a wrong timeUnitNs").AtByte(0);
    }
    info_.header.erase(unit);  // of the file, not of the trace
  }
  Advance(start.totalBytes);
  state_ = State::kBlocks;
  return true;
}

bool RmtDecoder::StepBlock() {
  if (Rest().size() < sizeof(std::uint32_t)) return false;
  const auto sync = Read<std::uint32_t>(Rest());
  if (sync == kFooterSync) return StepFooter();
  if (sync == kBlockSync && Rest().size() < sizeof(RmtBlockHeader)) return false;
  RmtBlockHeader header{};
  if (sync == kBlockSync) header = Read<RmtBlockHeader>(Rest());
  if (!IsSoundHeader(header)) {
    Skip(Damage("the header of a block is damaged"), 1, State::kSearching);
    return true;
  }
  const std::size_t total = sizeof(header) + header.payloadBytes;
  if (Rest().size() < total) return false;
  const auto payload = Rest().subspan(sizeof(header), header.payloadBytes);
  try {
    if (Crc32c(payload) != header.payloadCrc)
      throw Damage("a block of the trace is damaged: its checksum is wrong");
    TakeBlock(header, payload);
    Advance(total);
  } catch (TraceError& error) {
    if (error.code() != "damaged-block") throw;
    Skip(error, total, State::kBlocks);
  }
  return true;
}

bool RmtDecoder::StepSearch() {
  const auto rest = Rest();
  std::size_t at = 0;
  bool found = false;
  for (; !found && at + sizeof(std::uint32_t) <= rest.size(); at += found ? 0 : 1) {
    const auto here = rest.subspan(at);
    const auto sync = Read<std::uint32_t>(here);
    if (sync == kBlockSync) {
      if (here.size() < sizeof(RmtBlockHeader)) break;
      found = IsSoundHeader(Read<RmtBlockHeader>(here));
    } else if (sync == kFooterSync) {
      if (here.size() < sizeof(RmtFooter)) break;
      found = IsSoundFooter(Read<RmtFooter>(here));
    }
  }
  Lose(at);
  if (found) state_ = State::kBlocks;
  return found;
}

bool RmtDecoder::StepFooter() {
  if (Rest().size() < sizeof(RmtFooter)) return false;
  const auto footer = Read<RmtFooter>(Rest());
  if (!IsSoundFooter(footer)) {
    Skip(Damage("the end of the trace is damaged"), 1, State::kSearching);
    return true;
  }
  if (!skipped_) {
    if (!trailerRead_ || indexed_ != places_.size())
      throw Damage("the trailer or the index of the trace is not complete").AtByte(offset_);
    if (footer.events != counters_.events || footer.fileBytes != offset_ + sizeof(footer) ||
        footer.trailerOffset != trailerOffset_ || footer.indexOffset != indexOffset_) {
      throw Damage("the end of the trace belongs to another one").AtByte(offset_);
    }
  } else if (footer.events > counters_.events) {
    CountLost(footer.events - counters_.events);
  }
  Advance(sizeof(footer));
  state_ = State::kEnded;
  return true;
}

void RmtDecoder::TakeBlock(const RmtBlockHeader& header, std::span<const std::byte> payload) {
  switch (static_cast<RmtBlockType>(header.type)) {
    case RmtBlockType::kEvents:
      TakeEvents(header, payload);
      return;
    case RmtBlockType::kTrailer:
      if (trailer_.empty()) trailerOffset_ = offset_;
      if (trailerRead_ || trailer_.size() + payload.size() > kMaxTrailerBytes)
        throw Damage("the trailer is damaged");
      trailer_.append(reinterpret_cast<const char*>(payload.data()), payload.size());
      return;
    case RmtBlockType::kIndex:
      TakeIndex(payload);
      return;
    case RmtBlockType::kRawEvents:
      break;
  }
  throw Damage("a block is of a sort that does not belong here");
}

void RmtDecoder::TakeEvents(const RmtBlockHeader& header, std::span<const std::byte> payload) {
  CanonicalCounters stand = CanonicalCounters::Load(header);
  if (!trailer_.empty()) throw Damage("events come after the trailer");
  if (skipped_) {
    TakeLoss(stand);
  } else if (!(stand == counters_)) {
    throw Damage("a block is out of its order");
  }
  counters_ = stand;
  if (header.events > 0) places_.push_back({offset_, stand.events + 1});
  blocks_.Decode(header, payload, timeUnitNs_, counters_, sink_);
  info_.report.linesRead = info_.report.events = counters_.events;
}

void RmtDecoder::TakeIndex(std::span<const std::byte> payload) {
  if (!trailerRead_) EndTrailer();
  if (skipped_) return;  // it names blocks that were lost
  if (indexOffset_ == 0) indexOffset_ = offset_;
  std::vector<BlockPlace> told;
  ReadIndexPayload(payload, told);
  for (const BlockPlace& place : told) {
    if (indexed_ == places_.size() || !(places_[indexed_] == place))
      throw Damage("the index of the trace is wrong");
    ++indexed_;
  }
}

void RmtDecoder::EndTrailer() {
  trailerRead_ = true;
  if (ReadTrailer(trailer_, info_) != counters_.events && !skipped_) {
    throw Damage("the trailer tells another number of events");
  }
  if (blocks_.lastSite() >= info_.callSites.nodes().size())
    throw Damage("the trailer does not tell all call sites of the trace");
}

void RmtDecoder::Skip(const TraceError& error, std::size_t bytes, State next) {
  if (!options_.skipDamaged) throw TraceError(error).AtByte(offset_);
  if (info_.report.warnings.size() < 5) {
    info_.report.warnings.push_back(std::string(error.what()) + " (at byte " + std::to_string(offset_) +
                                    "); skipped");
  }
  skipped_ = true;
  state_ = next;
  Lose(bytes);
}

void RmtDecoder::TakeLoss(const CanonicalCounters& stand) {
  // What was lost can't have been more than its bytes could say.
  std::uint64_t names = 0;
  for (std::size_t table = 0; table < 3; ++table)
    names += stand.names[table] - std::min(stand.names[table], counters_.names[table]);
  if (stand.events < counters_.events || stand.threads < counters_.threads ||
      stand.threads - counters_.threads > lostBytes_ || names > lostBytes_) {
    throw Damage("a block is out of its order");
  }
  CountLost(stand.events - counters_.events);
  blocks_.InventNames(stand.names);
}

void RmtDecoder::Lose(std::size_t bytes) {
  lostBytes_ += bytes;
  Advance(bytes);
}

void RmtDecoder::CountLost(std::uint64_t events) {
  if (events > 0) info_.report.Count(kLost, true, counters_.events + 1, events);
}

void RmtDecoder::Advance(std::size_t bytes) {
  at_ += bytes;
  offset_ += bytes;
}

}  // namespace rmem
