#include "trace/gperftools_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "trace/trace_error.h"

namespace rmem {

static_assert(std::endian::native == std::endian::little, "records are read as they lie");

void GperftoolsDecoder::Push(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (partialBytes_ == 0 && bytes.size() >= kRecordBytes) {
      Record(bytes.data());
      bytes = bytes.subspan(kRecordBytes);
      continue;
    }
    const std::size_t more = std::min(kRecordBytes - partialBytes_, bytes.size());
    std::memcpy(partial_.data() + partialBytes_, bytes.data(), more);
    partialBytes_ += more;
    bytes = bytes.subspan(more);
    if (partialBytes_ < kRecordBytes) return;
    partialBytes_ = 0;
    Record(partial_.data());
  }
}

void GperftoolsDecoder::Finish() {
  if (records_ == 0 && partialBytes_ == 0)
    throw TraceError("empty", "the trace is empty: it has no bytes at all");
  if (partialBytes_ != 0) {
    const std::string what = "the trace is cut off after record " + std::to_string(records_);
    if (options_.strict) throw TraceError("truncated", what).AtByte(records_ * kRecordBytes);
    info_.report.warnings.push_back(what + "; what comes before was read");
  }
  info_.report.linesRead = records_;
  out_.Finish();
}

void GperftoolsDecoder::Record(const std::byte* at) {
  std::uint64_t words[3];
  std::memcpy(words, at, sizeof(words));
  const auto [key, a, b] = words;
  ++records_;
  Event event;
  event.id = (key >> 8) + 1;
  switch (key & 0xff) {
    case kMalloc:
      event.size = a;
      break;
    case kFreeSized:
      event.flags = kFlagSizeTold;
      event.size = a;
      [[fallthrough]];
    case kFree:
      event.type = EventType::kFree;
      break;
    case kMemalign:
      event.size = a;
      if (b > UINT32_MAX) Bad("an alignment is larger than 2 GiB");
      event.alignment = static_cast<std::uint32_t>(b);
      break;
    case kRealloc:
      event.type = EventType::kRealloc;
      if (a >> 56 != 0) Bad("a register has more than 56 bits");
      event.newId = a + 1;
      event.size = b;
      break;
    case kSwitch:
      thread_ = a;
      return;
    case kKill:
      threads_.End(a != 0 ? a : thread_, timeNs_, records_);
      return;
    case kTime:
      timeNs_ = a;
      return;
    default:
      Bad("a record is of no known type (0 to 7)");
  }
  event.timeNs = timeNs_;
  event.thread = threads_.Index(thread_, timeNs_, records_);
  event.position = records_;
  out_.Add(event);
}

void GperftoolsDecoder::Bad(const char* what) const {
  const std::uint64_t offset = (records_ - 1) * kRecordBytes;
  if (records_ == 1) {
    throw TraceError("not-a-trace", std::string("this is no gperftools-style trace: ") + what).AtByte(offset);
  }
  throw TraceError("bad-record", what).AtByte(offset);
}

}  // namespace rmem
