#include "trace/decoder.h"

#include <algorithm>
#include <cstring>

#include "base/varint.h"
#include "trace/android_decoder.h"
#include "trace/csv_records.h"
#include "trace/malloc_bench_decoder.h"
#include "trace/rmt_decoder.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

std::string_view FirstLine(std::string_view text) {
  // A byte-order mark, which spreadsheets put in front of CSV.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty() && (text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
  return text.substr(0, std::min(text.find('\n'), text.size()));
}

bool IsAndroid(std::string_view line) {
  std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos) return false;
  const std::size_t digits = line.find_first_not_of("0123456789", at);
  if (digits == at || digits == std::string_view::npos || line[digits] != ':') return false;
  at = line.find_first_not_of(" \t", digits + 1);
  if (at == std::string_view::npos) return false;
  const std::string_view call = line.substr(at, line.find_first_of(" \t\r", at) - at);
  return call == "malloc" || call == "calloc" || call == "memalign" || call == "realloc" || call == "free" ||
         call == "thread_done";
}

/** A header row that names an event and an id, among whatever else. */
bool IsCsv(std::string_view line) {
  bool event = false;
  bool id = false;
  while (!line.empty()) {
    const std::size_t comma = std::min(line.find(','), line.size());
    std::string_view field = line.substr(0, comma);
    line.remove_prefix(std::min(comma + 1, line.size()));
    while (!field.empty() && std::string_view(" \t\r\"").find(field.front()) != std::string_view::npos)
      field.remove_prefix(1);
    while (!field.empty() && std::string_view(" \t\r\"").find(field.back()) != std::string_view::npos)
      field.remove_suffix(1);
    event |= field == "event";
    id |= field == "id";
  }
  return event && id;
}

/** The first record: field 1, length-delimited, holding one call as one length-delimited field. */
bool IsMallocBench(std::span<const std::byte> head) {
  const std::byte* at = head.data();
  const std::byte* const end = at + head.size();
  std::uint64_t key;
  std::uint64_t lineBytes;
  std::uint64_t call;
  std::uint64_t callBytes;
  if ((at = ReadVarint(at, end, &key)) == nullptr || key != MallocBenchDecoder::kLineKey) return false;
  if ((at = ReadVarint(at, end, &lineBytes)) == nullptr || lineBytes > MallocBenchDecoder::kMaxLineBytes)
    return false;
  const std::byte* const line = at;
  if ((at = ReadVarint(at, end, &call)) == nullptr || (call & 7) != 2 || call >> 3 == 0 || call >> 3 > 4)
    return false;
  if ((at = ReadVarint(at, end, &callBytes)) == nullptr) return false;
  return callBytes + static_cast<std::uint64_t>(at - line) == lineBytes;
}

}  // namespace

std::string_view FormatName(TraceFormat format) {
  switch (format) {
    case TraceFormat::kRmt:
    case TraceFormat::kRmtRaw:
      return "rmt";
    case TraceFormat::kAndroid:
      return "android";
    case TraceFormat::kMallocBench:
      return "malloc-bench";
    case TraceFormat::kCsv:
      return "csv";
  }
  return "";
}

std::optional<TraceFormat> FormatByName(std::string_view name) {
  for (TraceFormat format :
       {TraceFormat::kRmt, TraceFormat::kAndroid, TraceFormat::kMallocBench, TraceFormat::kCsv}) {
    if (FormatName(format) == name) return format;
  }
  return std::nullopt;
}

std::optional<TraceFormat> DetectFormat(std::span<const std::byte> head) {
  if (head.size() >= offsetof(RmtFileHeader, jsonBytes)) {
    RmtFileHeader header{};
    std::memcpy(&header, head.data(), offsetof(RmtFileHeader, jsonBytes));
    if (header.magic == kRmtMagic) {
      return header.profile == static_cast<std::uint16_t>(RmtProfile::kRaw) ? TraceFormat::kRmtRaw
                                                                            : TraceFormat::kRmt;
    }
  } else if (!head.empty() &&
             std::memcmp(head.data(), &kRmtMagic, std::min(head.size(), sizeof(kRmtMagic))) == 0) {
    return TraceFormat::kRmt;  // cut off in its first bytes: its decoder says so
  }
  const std::string_view line = FirstLine({reinterpret_cast<const char*>(head.data()), head.size()});
  if (IsAndroid(line)) return TraceFormat::kAndroid;
  if (IsCsv(line)) return TraceFormat::kCsv;
  if (IsMallocBench(head)) return TraceFormat::kMallocBench;
  return std::nullopt;
}

std::unique_ptr<Decoder> MakeDecoder(TraceFormat format, const DecoderOptions& options, TraceInfo& info,
                                     EventSink& sink) {
  switch (format) {
    case TraceFormat::kRmt:
      return std::make_unique<RmtDecoder>(options, info, sink);
    case TraceFormat::kAndroid:
      return std::make_unique<AndroidDecoder>(info, sink);
    case TraceFormat::kMallocBench:
      return std::make_unique<MallocBenchDecoder>(options, info, sink);
    case TraceFormat::kCsv:
      return std::make_unique<CsvRecords>(info, sink);
    case TraceFormat::kRmtRaw:
      break;
  }
  throw TraceError("raw-profile", "this is a raw recording, which has to be resolved to one order first");
}

bool NeedsNormaliser(TraceFormat format, const DecoderOptions& options) {
  return format != TraceFormat::kRmt || options.skipDamaged;
}

}  // namespace rmem
