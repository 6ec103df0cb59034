#include "trace/line_decoder.h"

#include <cstring>

#include "trace/trace_error.h"

namespace rmem {

void LineDecoder::Push(std::span<const std::byte> bytes) {
  const char* at = reinterpret_cast<const char*>(bytes.data());
  const char* const end = at + bytes.size();
  if (at != end) any_ = true;
  while (at != end) {
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (newline != nullptr && partial_.empty()) {
      Whole(at, newline);
    } else {
      const char* until = newline != nullptr ? newline + 1 : end;
      if (partial_.size() + static_cast<std::size_t>(until - at) > maxLineBytes_) {
        ++line_;
        BadLine("the line is longer than any line of a trace");
      }
      partial_.append(at, until);
      if (newline != nullptr) {
        Whole(partial_.data(), partial_.data() + partial_.size() - 1);
        partial_.clear();
      }
    }
    if (newline == nullptr) return;
    at = newline + 1;
  }
}

void LineDecoder::Finish() {
  if (!any_) throw TraceError("empty", "the trace is empty: it has no bytes at all");
  if (!partial_.empty()) {
    partial_ += '\n';
    Whole(partial_.data(), partial_.data() + partial_.size() - 1);
  }
  End();
}

void LineDecoder::BadLine(const std::string& what) const {
  throw TraceError(line_ == 1 ? "not-a-trace" : "bad-line", what).AtLine(line_);
}

void LineDecoder::Whole(const char* begin, const char* newline) {
  ++line_;
  if (newline != begin && newline[-1] == '\r') --newline;
  if (static_cast<std::size_t>(newline - begin) >= maxLineBytes_)
    BadLine("the line is longer than any line of a trace");
  Line(begin, newline);
}

}  // namespace rmem
