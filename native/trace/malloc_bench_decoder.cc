#include "trace/malloc_bench_decoder.h"

#include <algorithm>
#include <string>

#include "base/varint.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// Key, length and content of the longest record.
constexpr std::size_t kMaxRecordBytes = 2 * kMaxVarintBytes + MallocBenchDecoder::kMaxLineBytes;

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

}  // namespace

/** The numbers of one call, by field. */
struct MallocBenchDecoder::Fields {
  std::uint64_t value[4] = {};
  bool present[4] = {};
};

void MallocBenchDecoder::Push(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();

  // First what completes the record that the last piece began.
  while (!rest_.empty() && at != end) {
    const std::size_t had = rest_.size();
    const std::size_t more =
        std::min(static_cast<std::size_t>(end - at), kMaxRecordBytes - std::min(had, kMaxRecordBytes - 1));
    rest_.insert(rest_.end(), at, at + more);
    const std::byte* const next = Record(rest_.data(), rest_.data() + rest_.size());
    if (next == nullptr) {
      at += more;
      continue;
    }
    const auto taken = static_cast<std::size_t>(next - rest_.data());
    offset_ += taken;
    at += taken - had;
    rest_.clear();
  }
  while (at != end) {
    const std::byte* const next = Record(at, end);
    if (next == nullptr) {
      rest_.assign(at, end);
      return;
    }
    offset_ += static_cast<std::uint64_t>(next - at);
    at = next;
  }
}

void MallocBenchDecoder::Finish() {
  if (offset_ == 0 && rest_.empty()) throw TraceError("empty", "the trace is empty: it has no bytes at all");
  if (!rest_.empty()) {
    const std::string what = "the trace is cut off after record " + std::to_string(records_);
    if (options_.strict) throw TraceError("truncated", what).AtByte(offset_);
    info_.report.warnings.push_back(what + "; what comes before was read");
  }
  info_.report.linesRead = records_;
  out_.Finish();
}

/** Takes one record of [at, end); returns what is after it, or null where it is not whole yet. */
const std::byte* MallocBenchDecoder::Record(const std::byte* at, const std::byte* end) {
  const bool enough = static_cast<std::size_t>(end - at) >= 2 * kMaxVarintBytes;
  std::uint64_t key;
  std::uint64_t value;
  const std::byte* next = ReadVarint(at, end, &key);
  if (next != nullptr && (((key & 7) != kVarint && (key & 7) != kLengthDelimited) || key >> 3 == 0)) {
    Bad("this is no malloc-bench trace: a record is of no known sort");
  }
  if (next != nullptr) next = ReadVarint(next, end, &value);
  if (next == nullptr) {
    if (enough) Bad("this is no malloc-bench trace: a record does not start as one");
    return nullptr;
  }
  if ((key & 7) == kVarint) return next;  // max_simultaneous
  if (value > kMaxLineBytes) Bad("this is no malloc-bench trace: a record is longer than any of one");
  if (value > static_cast<std::uint64_t>(end - next)) return nullptr;
  ++records_;
  if (key == kLineKey) Line(next, next + value);
  return next + value;
}

void MallocBenchDecoder::Line(const std::byte* at, const std::byte* end) {
  while (at != end) {
    std::uint64_t key;
    std::uint64_t bytes;
    at = ReadVarint(at, end, &key);
    if (at != nullptr) at = ReadVarint(at, end, &bytes);
    if (at == nullptr || (key & 7) != kLengthDelimited || bytes > static_cast<std::uint64_t>(end - at)) {
      Bad("a record is damaged");
    }
    if (key >> 3 == 0 || key >> 3 > 4) Bad("a record holds no call that is known");
    Call(static_cast<unsigned>(key >> 3), at, at + bytes);
    at += bytes;
  }
}

void MallocBenchDecoder::Call(unsigned call, const std::byte* at, const std::byte* end) {
  Fields fields;
  while (at != end) {
    std::uint64_t key;
    std::uint64_t value;
    at = ReadVarint(at, end, &key);
    if (at != nullptr) at = ReadVarint(at, end, &value);
    if (at == nullptr || (key & 7) != kVarint) Bad("a record is damaged");
    if (key >> 3 == 0 || key >> 3 > 3) continue;
    fields.value[key >> 3] = value;
    fields.present[key >> 3] = true;
  }

  Event event;
  switch (call) {
    case 1:
      event.id = Handle(fields, 1);
      event.size = fields.value[2];
      if (fields.value[3] > UINT32_MAX)
        throw TraceError("bad-alignment", "an alignment is larger than 2 GiB").AtByte(offset_);
      event.alignment = static_cast<std::uint32_t>(fields.value[3]);
      break;
    case 2:
      event.type = EventType::kFree;
      event.id = Handle(fields, 1);
      if (fields.present[2]) {
        event.flags = kFlagSizeTold;
        event.size = fields.value[2];
      }
      break;
    case 3:
      event.type = EventType::kRealloc;
      event.newId = Handle(fields, 1);
      event.id = Handle(fields, 2);
      event.size = fields.value[3];
      break;
    default:
      event.id = Handle(fields, 1);
      event.flags = kFlagZeroed;
      if (__builtin_mul_overflow(fields.value[2], fields.value[3], &event.size))
        event.size = ~std::uint64_t{0};
      break;
  }
  event.thread = threads_.Index(kOnlyThread, kNoTime, records_);
  event.position = records_;
  out_.Add(event);
}

std::uint64_t MallocBenchDecoder::Handle(const Fields& fields, unsigned field) const {
  if (!fields.present[field]) return 0;
  if (fields.value[field] == ~std::uint64_t{0}) Bad("a block has an impossible id");
  return fields.value[field] + 1;
}

void MallocBenchDecoder::Bad(const std::string& what) const {
  throw TraceError(records_ == 0 ? "not-a-trace" : "bad-record", what).AtByte(offset_);
}

}  // namespace rmem
