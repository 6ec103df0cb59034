#include "trace/mtrace_decoder.h"

#include <string_view>

#include "trace/block_checks.h"
#include "trace/normaliser.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr const char* kNoLine = "this is no line of an mtrace log, which has '+', '-', '<', '>', '!' or '='";

}  // namespace

void MtraceDecoder::Line(const char* begin, const char* end) {
  TextFields in(begin, end);
  if (in.AtEnd()) return;
  if (in.Take('@')) {
    // The name of a file may have anything in it, so from the right.
    const std::size_t bracket = in.Rest().rfind(']');
    if (bracket == std::string_view::npos) BadLine("the place of the call, '@ FILE:[ADDRESS]', does not end");
    in.SkipTo(in.Rest().data() + bracket + 1);
    in.Spaces();
  }
  const char call = in.Peek();
  if (in.AtEnd() || std::string_view("+-<>!=").find(call) == std::string_view::npos) BadLine(kNoLine);
  in.Take(call);
  if (!in.Separator()) BadLine(kNoLine);
  if (call == '=') {
    if (in.Rest() != "Start" && in.Rest() != "End") BadLine("'=' should be followed by Start or End");
    return;
  }

  Event event;
  const std::uint64_t pointer = Pointer(in);
  const std::uint64_t size = call == '+' || call == '>' || call == '!' ? Size(in) : 0;
  if (!in.AtEnd()) BadLine("there are too many columns");
  if (call == '<') {
    Enter(pointer);
    return;
  }
  if (call == '>') {
    Leave(pointer, size);
    return;
  }
  if (!entered_.empty() && !detached_) DetachEntered();
  event.id = pointer;
  event.size = size;
  if (call == '-') event.type = EventType::kFree;
  if (call == '!') event.type = EventType::kRealloc;
  Emit(event);
}

std::uint64_t MtraceDecoder::Pointer(TextFields& in) {
  std::uint64_t value;
  if (!in.Prefixed(&value) || !in.Separator()) BadLine("a pointer such as 0x5581c0a2 is missing");
  if (value == kBeyond64Bits) BadLine("a pointer does not fit into 64 bits");
  return value;
}

std::uint64_t MtraceDecoder::Size(TextFields& in) {
  std::uint64_t value;
  if (!in.Prefixed(&value) || !in.Separator()) BadLine("a size such as 0x20 is missing");
  return value;
}

void MtraceDecoder::Enter(std::uint64_t old) {
  if (entered_.size() == kMaxEntered) {
    info_.report.Count("realloc-without-result", true, entered_.front().line);
    entered_.pop_front();
    detached_ = false;
  }
  entered_.push_back({old, line()});
  if (entered_.size() > 1 && !detached_) DetachEntered();
}

void MtraceDecoder::Leave(std::uint64_t block, std::uint64_t size) {
  Event event;
  event.size = size;
  if (entered_.empty()) {
    info_.report.Count("realloc-result-alone", false, line());
    event.id = block;
    Emit(event);
    return;
  }
  event.type = EventType::kRealloc;
  event.id = entered_.front().old;
  event.newId = block;
  Emit(event);
  entered_.pop_front();
  detached_ = false;
  if (!entered_.empty()) DetachEntered();
}

/** From here on the old address of the first open realloc may be somebody else's. */
void MtraceDecoder::DetachEntered() {
  Event event;
  event.type = EventType::kRealloc;
  event.flags = kFlagReallocStart;
  event.id = entered_.front().old;
  Emit(event);
  detached_ = true;
}

void MtraceDecoder::Emit(Event& event) {
  if ((event.flags & kFlagReallocStart) == 0) ForgetRequestOfFailed(event);
  event.thread = threads_.Index(kOnlyThread, kNoTime, line());
  event.position = line();
  out_.Add(event);
}

void MtraceDecoder::End() {
  for (const Entered& open : entered_) info_.report.Count("realloc-without-result", true, open.line);
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
