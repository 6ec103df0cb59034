#include "trace/heaptrack_decoder.h"

#include <algorithm>
#include <string>

#include "trace/trace_error.h"

namespace rmem {
namespace {

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
      return Stack(in);
    case 's':
      Settle(Form::kInterpreted);
      return stacks_.AddText(Text(in, true), line());
    case 'i':
      return Instruction(in);
    case 'm':
      return Module(in);
    case 'x':
      Settle(Form::kRaw);
      program_ = Text(in, true);
      return;
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
  sizedTexts_ = fileVersion >= 3;
  info_.header[kStackBytesField] = "0";
}

void HeaptrackDecoder::Define(TextFields& in) {
  Settle(Form::kInterpreted);
  if (allocations_.size() == kMaxAllocations) {
    throw TraceError("too-many-allocations", "the file defines more than 16,777,216 allocations")
        .AtLine(line());
  }
  const std::uint64_t size = Number(in);
  const std::uint64_t stack = Number(in);
  LastField(in);
  allocations_.push_back({.size = size, .newest = 0, .site = stacks_.Site(stack, line())});
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
    event.site = allocation.site;
    older_.Insert(event.id, allocation.newest);
    allocation.newest = event.id;
  } else {
    Settle(Form::kRaw);
    event.size = first;
    const std::uint64_t stack = Number(in);
    event.id = Number(in);
    LastField(in);
    event.site = stacks_.Site(stack, line());
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

void HeaptrackDecoder::Module(TextFields& in) {
  Settle(Form::kRaw);
  std::string_view path = Text(in, false);
  if (path == "-") return stacks_.UnloadModules();
  if (path == "x") path = program_;
  const std::uint64_t base = Number(in);
  const std::string_view layout = in.Rest();
  while (!in.AtEnd()) {
    const std::uint64_t address = Number(in);
    const std::uint64_t bytes = Number(in);
    std::uint64_t start, end;
    if (__builtin_add_overflow(base, address, &start) || __builtin_add_overflow(start, bytes, &end))
      BadLine("a module does not fit into the address space");
    stacks_.LoadSegment(path, layout, base, address, bytes, line());
  }
}

void HeaptrackDecoder::Instruction(TextFields& in) {
  Settle(Form::kInterpreted);
  const std::uint64_t address = Number(in);
  const std::uint64_t module = Number(in);
  functions_.clear();
  while (!in.AtEnd()) {
    functions_.push_back(Number(in));
    if (in.AtEnd()) break;  // its place in the source is not known
    Number(in);
    Number(in);
  }
  stacks_.AddInstruction(address, module, functions_, line());
}

void HeaptrackDecoder::Stack(TextFields& in) {
  const std::uint64_t place = Number(in);
  const std::uint64_t caller = Number(in);
  LastField(in);
  if (form_ == Form::kInterpreted) {
    stacks_.AddInterpretedStack(place, caller, line());
  } else {
    Settle(Form::kRaw);
    stacks_.AddStack(place, caller, line());
  }
}

std::string_view HeaptrackDecoder::Text(TextFields& in, bool lastField) {
  if (!sizedTexts_) {
    const std::string_view rest = in.Rest();
    const std::size_t length = lastField ? rest.size() : std::min(rest.find(' '), rest.size());
    in.SkipTo(rest.data() + length);
    in.Spaces();
    return rest.substr(0, length);
  }
  std::uint64_t length;
  if (!in.Hex(&length) || !(in.Take(' ') || (length == 0 && in.AtEnd())))
    BadLine("the length of a text is missing, hexadecimal and without 0x");
  const std::string_view rest = in.Rest();
  if (length > rest.size()) BadLine("a text is shorter than its length says");
  in.SkipTo(rest.data() + length);
  if (!in.Separator() || (lastField && !in.AtEnd())) BadLine("a text is longer than its length says");
  return rest.substr(0, length);
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
  event.thread = threads_.Index(kOnlyThread, timeNs_, line());
  event.position = line();
  out_.Add(event);
}

void HeaptrackDecoder::End() {
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
