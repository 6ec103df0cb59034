#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace rmem {

/**
 * Input that can't be taken. `code` is stable (`empty`, `not-a-trace`, `truncated`, `damaged-block`,
 * `double-free`, `unknown-block`, `bad-size`, `io`, …); the message is one sentence for a person, without
 * the name of the file, which the caller knows. Places that don't apply are 0.
 */
class TraceError : public std::runtime_error {
 public:
  TraceError(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  TraceError& AtByte(std::uint64_t offset) {
    byte_ = offset;
    hasByte_ = true;
    return *this;
  }
  TraceError& AtLine(std::uint64_t line) {
    line_ = line;
    return *this;
  }
  TraceError& AtEvent(std::uint64_t event) {
    event_ = event;
    return *this;
  }

  const std::string& code() const { return code_; }
  bool hasByte() const { return hasByte_; }
  std::uint64_t byte() const { return byte_; }
  std::uint64_t line() const { return line_; }    // from 1
  std::uint64_t event() const { return event_; }  // from 1

 private:
  std::string code_;
  std::uint64_t byte_ = 0, line_ = 0, event_ = 0;
  bool hasByte_ = false;
};

}  // namespace rmem
