#pragma once

#include <cstdint>
#include <string>

#include "trace/decoder.h"

namespace rmem {

/** What decoders of text share: lines out of pieces. Lines end with LF or CRLF, the last one may end with the
 * input. */
class LineDecoder : public Decoder {
 public:
  explicit LineDecoder(std::size_t maxLineBytes = kMaxLineBytes) : maxLineBytes_(maxLineBytes) {}

  void Push(std::span<const std::byte> bytes) final;
  void Finish() final;

 protected:
  /** No line of most traces is longer; one that is, is the error `bad-line`. */
  static constexpr std::size_t kMaxLineBytes = 4096;

  /** Takes line number `line()` in [begin, end). The byte at `end` may be read, and is CR or LF. */
  virtual void Line(const char* begin, const char* end) = 0;
  /** After the last line. */
  virtual void End() = 0;

  std::uint64_t line() const { return line_; }
  /** A TraceError `bad-line` (`not-a-trace` at the first line) at this line. */
  [[noreturn]] void BadLine(const std::string& what) const;

 private:
  void Whole(const char* begin, const char* newline);

  const std::size_t maxLineBytes_;
  std::string partial_;  // a line whose end has not come yet
  std::uint64_t line_ = 0;
  bool any_ = false;
};

}  // namespace rmem
