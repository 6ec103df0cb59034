#include "trace/logalloc_decoder.h"

#include <string>

#include "trace/block_checks.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// Tells numbers (`#N`) from addresses, of which none is so high.
constexpr std::uint64_t kNumbered = std::uint64_t{1} << 63;

}  // namespace

LogallocDecoder::Call LogallocDecoder::CallByName(std::string_view name) {
  if (name == "malloc") return Call::kMalloc;
  if (name == "free") return Call::kFree;
  if (name == "calloc") return Call::kCalloc;
  if (name == "realloc") return Call::kRealloc;
  if (name == "posix_memalign" || name == "memalign" || name == "aligned_alloc") return Call::kAligned;
  if (name == "valloc") return Call::kValloc;
  return Call::kOther;
}

void LogallocDecoder::Line(const char* begin, const char* end) {
  TextFields in(begin, end);
  if (in.AtEnd()) return;
  std::uint64_t process;
  std::uint64_t thread;
  if (!in.DecimalField(&process) || !in.DecimalField(&thread) || in.AtEnd()) {
    BadLine("this is no line of a logalloc log, 'PID TID CALL(ARGUMENTS)=RESULT'");
  }
  if (thread == kBeyond64Bits) BadLine("the number of a thread does not fit into 64 bits");
  const std::string_view rest = in.Rest();
  const std::size_t bracket = rest.find('(');
  if (bracket == 0 || bracket == std::string_view::npos)
    BadLine("a call such as malloc(32)=0x7f0c2c00 is missing");
  const std::string_view name = rest.substr(0, bracket);
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") != std::string_view::npos) {
    BadLine("the name of a call has characters that do not belong to it");
  }
  if (!anyProcess_) {
    anyProcess_ = true;
    process_ = process;
  } else if (process != process_) {
    info_.report.Count("other-process", true, line());
    return;
  }
  const Call call = CallByName(name);
  if (call == Call::kOther) {
    info_.report.Count("other-call", true, line());
    return;
  }

  Event event;
  in.SkipTo(rest.data() + bracket + 1);
  in.Spaces();
  Arguments(call, in, &event);
  if (!in.AtEnd()) BadLine("something follows the call that does not belong to it");
  ForgetRequestOfFailed(event);
  event.thread = threads_.Index(thread, kNoTime, line());
  event.position = line();
  out_.Add(event);
}

void LogallocDecoder::Arguments(Call call, TextFields& in, Event* event) {
  std::uint64_t factor = 1;
  std::uint64_t alignment = 0;
  switch (call) {
    case Call::kFree:
      event->type = EventType::kFree;
      event->id = Pointer(in);
      Expect(in, ')');
      return;
    case Call::kRealloc:
      event->type = EventType::kRealloc;
      event->id = Pointer(in);
      Expect(in, ',');
      break;
    case Call::kCalloc:
      event->flags = kFlagZeroed;
      factor = Number(in);
      Expect(in, ',');
      break;
    case Call::kAligned:
      alignment = Number(in);
      Expect(in, ',');
      break;
    case Call::kValloc:
      alignment = kVallocAlignment;
      break;
    default:
      break;
  }
  if (__builtin_mul_overflow(Number(in), factor, &event->size)) event->size = kBeyond64Bits;
  Expect(in, ')');
  const std::uint64_t result = Result(in);
  (call == Call::kRealloc ? event->newId : event->id) = result;
  if (alignment > UINT32_MAX && result != 0)
    throw TraceError("bad-alignment", "an alignment is larger than 2 GiB").AtLine(line());
  event->alignment = static_cast<std::uint32_t>(alignment);
}

std::uint64_t LogallocDecoder::Number(TextFields& in) {
  std::uint64_t value;
  if (!in.Decimal(&value)) BadLine("a size is missing, or no whole number");
  return value;
}

std::uint64_t LogallocDecoder::Pointer(TextFields& in) {
  std::uint64_t value;
  if (in.Take('#')) {
    if (!in.Decimal(&value) || value >= kNumbered) BadLine("the number of a block is missing or too large");
    return value == 0 ? 0 : value | kNumbered;
  }
  if (!in.Prefixed(&value)) BadLine("a pointer such as 0x7f0c2c00 or #12 is missing");
  if (value == kBeyond64Bits) BadLine("a pointer does not fit into 64 bits");
  return value;
}

std::uint64_t LogallocDecoder::Result(TextFields& in) {
  in.Spaces();
  if (!in.Take('=')) BadLine("the result of the call, '=0x…' or '=#…', is missing");
  in.Spaces();
  const std::uint64_t value = Pointer(in);
  in.Spaces();
  return value;
}

void LogallocDecoder::Expect(TextFields& in, char c) {
  in.Spaces();
  if (!in.Take(c)) BadLine(std::string("'") + c + "' is missing behind an argument");
  in.Spaces();
}

void LogallocDecoder::End() {
  const auto others = info_.report.repairs.find("other-process");
  if (others != info_.report.repairs.end()) {
    info_.report.warnings.push_back("the log has several processes in it: only the first, " +
                                    std::to_string(process_) +
                                    ", was read; split it by its first column to read the others");
  }
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
