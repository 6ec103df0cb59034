#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>

#include "base/varint.h"
#include "trace/decoder.h"
#include "trace/gperftools_decoder.h"
#include "trace/malloc_bench_decoder.h"
#include "trace/rmt_format.h"

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

/** `v VERSION FILE-VERSION`, hexadecimal, as every heaptrack file starts. */
bool IsHeaptrack(std::string_view line) {
  if (!line.starts_with("v ")) return false;
  const std::size_t other = line.find_first_not_of("0123456789abcdefABCDEF ", 2);
  return line.size() > 2 && std::isxdigit(static_cast<unsigned char>(line[2])) != 0 &&
         (other == std::string_view::npos || line[other] == '\r');
}

/** `= Start`, or one of the calls, whose pointers have 0x in front; before it perhaps where it was made. */
bool IsMtrace(std::string_view line) {
  if (line.starts_with("= Start") || line.starts_with("= End")) return true;
  if (line.starts_with("@ ")) {
    const std::size_t bracket = line.rfind("] ");
    if (bracket == std::string_view::npos) return false;
    line.remove_prefix(bracket + 2);
  }
  if (line.size() < 5 || std::string_view("+-<>!").find(line[0]) == std::string_view::npos || line[1] != ' ')
    return false;
  return line.substr(2).starts_with("0x") || line.substr(2).starts_with("(nil)");
}

/** `PID TID call(`. */
bool IsLogalloc(std::string_view line) {
  for (int numbers = 0; numbers < 2; ++numbers) {
    const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    line.remove_prefix(digits);
    const std::size_t spaces = std::min(line.find_first_not_of(" \t"), line.size());
    if (digits == 0 || spaces == 0) return false;
    line.remove_prefix(spaces);
  }
  const std::size_t name = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789");
  return name != std::string_view::npos && name != 0 && line[name] == '(';
}

/** Four whole numbers, however they are spread over lines, then a call. A file may also end with them. */
bool IsMallocLab(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  for (int numbers = 0; numbers < 4; ++numbers) {
    const std::size_t start = text.find_first_not_of(kSpaces);
    if (start == std::string_view::npos) return false;
    text.remove_prefix(start);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
    if (!text.empty() && kSpaces.find(text[0]) == std::string_view::npos) return false;
  }
  const std::size_t newline = text.find('\n');
  const std::size_t start = text.find_first_not_of(kSpaces);
  if (newline == std::string_view::npos || start == std::string_view::npos || start < newline) return false;
  text.remove_prefix(start);
  return text.size() > 2 && std::string_view("arf").find(text[0]) != std::string_view::npos &&
         text[1] == ' ' && (text[2] == '-' || (text[2] >= '0' && text[2] <= '9'));
}

/** The header: codes 8, 9 and 10 in this order, then as many 11 as the third says, with rising places. */
bool IsWorkload(std::span<const std::byte> head) {
  std::size_t at = 0;
  const auto number = [&](std::uint64_t* value) {
    *value = 0;
    while (at < head.size()) {
      const auto byte = static_cast<std::uint8_t>(head[at++]);
      *value = *value << 7 | (byte & 0x7f);
      if (byte < 0x80) return true;
    }
    return false;
  };
  std::uint64_t value = 0;
  for (const std::uint8_t code : {8, 9, 10}) {
    if (at >= head.size() || static_cast<std::uint8_t>(head[at++]) != code || !number(&value)) return false;
  }
  if (value == 0) return false;
  for (std::uint64_t threads = value, last = 0; threads > 0; --threads) {
    if (at >= head.size()) return head.size() == kDetectBytes;
    if (static_cast<std::uint8_t>(head[at++]) != 11) return false;
    if (!number(&value)) return head.size() == kDetectBytes;
    if (value <= last) return false;
    last = value;
  }
  return at < head.size() && static_cast<std::uint8_t>(head[at]) == 1;
}

/** Records of 24 bytes that all make sense, one of them at least a call with a size. */
bool IsGperftools(std::span<const std::byte> head) {
  constexpr std::size_t kRecord = GperftoolsDecoder::kRecordBytes;
  bool sizes = false;
  for (; head.size() >= kRecord; head = head.subspan(kRecord)) {
    std::uint64_t words[3];
    std::memcpy(words, head.data(), sizeof(words));
    const std::uint64_t type = words[0] & 0xff;
    if (type > GperftoolsDecoder::kTime) return false;
    // Registers are numbered from 0; text has characters in the upper bytes.
    if (words[0] >> 48 != 0) return false;
    const bool sized = type == GperftoolsDecoder::kMalloc || type == GperftoolsDecoder::kMemalign ||
                       type == GperftoolsDecoder::kFreeSized;
    if (sized && words[1] > kMaxBlockBytes) return false;
    if (type == GperftoolsDecoder::kRealloc && (words[2] > kMaxBlockBytes || words[1] >> 40 != 0))
      return false;
    if (type == GperftoolsDecoder::kMemalign && !std::has_single_bit(words[2])) return false;
    sizes |= (sized && words[1] != 0) || type == GperftoolsDecoder::kRealloc;
  }
  return sizes;
}

}  // namespace

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
  if (IsHeaptrack(line)) return TraceFormat::kHeaptrack;
  if (IsMtrace(line)) return TraceFormat::kMtrace;
  if (IsLogalloc(line)) return TraceFormat::kLogalloc;
  if (IsMallocLab({reinterpret_cast<const char*>(head.data()), head.size()})) return TraceFormat::kMallocLab;
  if (IsWorkload(head)) return TraceFormat::kWorkload;
  if (IsGperftools(head)) return TraceFormat::kGperftools;
  if (IsMallocBench(head)) return TraceFormat::kMallocBench;
  return std::nullopt;
}

}  // namespace rmem
