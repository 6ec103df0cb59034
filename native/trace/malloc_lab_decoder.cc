#include "trace/malloc_lab_decoder.h"

#include <string>

#include "trace/trace_error.h"

namespace rmem {
namespace {}  // namespace

void MallocLabDecoder::Line(const char* begin, const char* end) {
  TextFields in(begin, end);
  while (!in.AtEnd() && headerNumbers_ < kHeaderNumbers) {
    if (!in.DecimalField(&header_[headerNumbers_++])) {
      BadLine("this is no malloc-lab trace: it should start with four whole numbers");
    }
    if (in.AtEnd()) return;
  }
  if (in.AtEnd()) return;

  const char call = in.Peek();
  in.Take(call);
  if ((call != 'a' && call != 'r' && call != 'f') || !in.Separator()) {
    BadLine("a call of a malloc-lab trace is 'a ID SIZE', 'r ID SIZE' or 'f ID', and this line is none");
  }
  Event event;
  event.id = Id(in);
  if (call == 'f') {
    event.type = EventType::kFree;
  } else {
    if (event.id == 0) BadLine("a block has the id -1, which only a free may have");
    event.size = Size(in);
    if (call == 'r') {
      event.type = EventType::kRealloc;
      event.newId = event.id;
    }
  }
  if (!in.AtEnd()) BadLine("there are too many columns");
  if (event.id > header_[1]) info_.report.Count("id-beyond-header", false, line());
  ++calls_;
  event.thread = threads_.Index(kOnlyThread, kNoTime, line());
  event.position = line();
  out_.Add(event);
}

std::uint64_t MallocLabDecoder::Id(TextFields& in) {
  const bool null = in.Take('-');
  std::uint64_t id;
  if (!in.DecimalField(&id) || (null && id != 1))
    BadLine("the id of a block should be a whole number, or -1");
  if (id == kBeyond64Bits) BadLine("the id of a block does not fit into 64 bits");
  return null ? 0 : id + 1;
}

std::uint64_t MallocLabDecoder::Size(TextFields& in) {
  std::uint64_t size;
  if (!in.DecimalField(&size)) BadLine("a size is missing, or no whole number");
  return size;
}

void MallocLabDecoder::End() {
  if (headerNumbers_ < kHeaderNumbers) {
    throw TraceError("truncated", "the header of the malloc-lab trace has fewer than its four numbers")
        .AtLine(line());
  }
  if (calls_ != header_[2]) {
    const std::string what = "the header announces " + std::to_string(header_[2]) + " calls, and there are " +
                             std::to_string(calls_);
    if (options_.strict && calls_ < header_[2]) throw TraceError("truncated", what).AtLine(line());
    info_.report.warnings.push_back(what + "; all that are there were read");
  }
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
