#include "trace/heaptrack_decoder.h"

#include <algorithm>
#include <string>

#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::uint64_t kThread = 1;  // the number of the only one
constexpr std::uint64_t kNsPerMs = 1'000'000;
// A block that no birth has, for a free that matches none.
constexpr std::uint64_t kNoBlock = ~std::uint64_t{0} - 1;

}  // namespace

void HeaptrackDecoder::Line(const char* begin, const char* end) {
  if (begin == end) return;
  const char kind = *begin;
  TextFields in(begin + 1, end);
  if (!versionSeen_ && kind != 'v') {
    BadLine("this is no heaptrack file: it should start with 'v', its version and the version of the form");
  }
  if (begin + 1 != end && begin[1] != ' ') {
    if (kind == '#') return;
    BadLine("this is no line of a heaptrack file, which has one letter and a space first");
  }
  switch (kind) {
    case '+':
      return Birth(in);
    case '-':
      return Death(in);
    case 'a':
      return Define(in);
    case 'c': {
      const std::uint64_t ms = Number(in);
      if (ms > kNoTime / kNsPerMs - 1) BadLine("a time is too large");
      timeNs_ = ms * kNsPerMs;
      return LastField(in);
    }
    case 'R':
      return Resident(in);
    case 'v':
      return Version(in);
    case 'I':
      pageBytes_ = Number(in);
      pages_ = Number(in);
      if (pageBytes_ == 0 || pageBytes_ > UINT32_MAX || pages_ > UINT32_MAX * std::uint64_t{1024}) {
        BadLine("a machine has no memory of this size");
      }
      return LastField(in);
    case 'X':
      info_.header["program"] = std::string(in.Rest());
      return;
    case 't':
      Number(in);
      Number(in);
      return LastField(in);
    case 's':  // string
    case 'i':  // instruction
    case 'm':  // module
    case 'x':  // executable
    case 'S':  // suppression
    case 'A':  // it was attached to a program that runs
    case '#':  // note
      return;
    default:
      info_.report.Count("unknown-line", true, line());
  }
}

void HeaptrackDecoder::Version(TextFields& in) {
  Number(in);
  const std::uint64_t fileVersion = in.AtEnd() ? 1 : Number(in);
  LastField(in);
  if (fileVersion > kNewestFileVersion) {
    throw TraceError("new-version",
                     "this is a heaptrack file of version " + std::to_string(fileVersion) +
                         ", and the newest that is known is 3: record it with heaptrack 1.5 or older")
        .AtLine(line());
  }
  versionSeen_ = true;
}

void HeaptrackDecoder::Define(TextFields& in) {
  Settle(Form::kInterpreted);
  if (allocations_.size() == kMaxAllocations) {
    throw TraceError("too-many-allocations", "the file defines more than 16,777,216 allocations")
        .AtLine(line());
  }
  allocations_.push_back({.size = Number(in), .newest = 0});
  Number(in);  // its stack
  LastField(in);
}

void HeaptrackDecoder::Birth(TextFields& in) {
  const std::uint64_t first = Number(in);
  Event event;
  if (in.AtEnd()) {
    Settle(Form::kInterpreted);
    if (first >= allocations_.size()) BadLine("a block is made of an allocation that was not defined before");
    Allocation& allocation = allocations_[first];
    event.id = ++births_;
    event.size = allocation.size;
    older_.Insert(event.id, allocation.newest);
    allocation.newest = event.id;
  } else {
    Settle(Form::kRaw);
    event.size = first;
    Number(in);  // its stack
    event.id = Number(in);
    LastField(in);
  }
  Emit(event);
}

void HeaptrackDecoder::Death(TextFields& in) {
  Event event;
  event.type = EventType::kFree;
  event.id = Number(in);
  LastField(in);
  if (form_ == Form::kInterpreted) {
    if (event.id < allocations_.size() && allocations_[event.id].newest != 0) {
      Allocation& allocation = allocations_[event.id];
      event.id = allocation.newest;
      older_.Take(event.id, &allocation.newest);
    } else {
      event.id = kNoBlock;
    }
  }
  Emit(event);
}

void HeaptrackDecoder::Resident(TextFields& in) {
  Event event;
  event.type = EventType::kSample;
  if (__builtin_mul_overflow(Number(in), pageBytes_, &event.size)) BadLine("no program has so many pages");
  LastField(in);
  event.id = std::max(pages_ * pageBytes_, event.size);
  event.newId = kAbsent;
  event.scope = kAbsent;
  Emit(event);
}

std::uint64_t HeaptrackDecoder::Number(TextFields& in) {
  std::uint64_t value;
  if (!in.HexField(&value)) BadLine("a number, hexadecimal and without 0x, is missing");
  if (value == kBeyond64Bits) BadLine("a number does not fit into 64 bits");
  return value;
}

void HeaptrackDecoder::Settle(Form form) {
  if (form_ == form) return;
  if (form_ != Form::kUnknown) BadLine("the lines of raw and of interpreted heaptrack files are mixed");
  form_ = form;
}

void HeaptrackDecoder::LastField(const TextFields& in) {
  if (!in.AtEnd()) BadLine("there are too many columns");
}

void HeaptrackDecoder::Emit(Event& event) {
  event.timeNs = timeNs_;
  event.thread = threads_.Index(kThread, timeNs_, line());
  event.position = line();
  out_.Add(event);
}

void HeaptrackDecoder::End() {
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
