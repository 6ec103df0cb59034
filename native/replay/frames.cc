#include "replay/frames.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "base/checks.h"
#include "replay/halt.h"

namespace rmem {

void FrameWriter::Begin(std::string_view name) {
  size_ = 0;
  first_ = true;
  Put('{');
  Text("frame", name);
}

void FrameWriter::End() {
  Put("}\n");
  Flush();
}

void FrameWriter::Text(std::string_view key, std::string_view value) {
  Key(key);
  PutQuoted(value);
}

void FrameWriter::TextOrNull(std::string_view key, const char* value) {
  if (value != nullptr) return Text(key, value);
  Key(key);
  Put("null");
}

void FrameWriter::Number(std::string_view key, std::uint64_t value) {
  Key(key);
  PutNumber(value);
}

void FrameWriter::Decimal(std::string_view key, double value) {
  Key(key);
  PutDecimal(value);
}

void FrameWriter::Bool(std::string_view key, bool value) {
  Key(key);
  Put(value ? "true" : "false");
}

void FrameWriter::OpenObject(std::string_view key) {
  Key(key);
  Put('{');
  first_ = true;
}

void FrameWriter::CloseObject() {
  Put('}');
  first_ = false;
}

void FrameWriter::OpenArray(std::string_view key) {
  Key(key);
  Put('[');
  first_ = true;
}

void FrameWriter::Element(double value) {
  if (!first_) Put(',');
  first_ = false;
  PutDecimal(value);
}

void FrameWriter::CloseArray() {
  Put(']');
  first_ = false;
}

void FrameWriter::CheckReader() const {
  pollfd file{file_, 0, 0};
  if (poll(&file, 1, 0) > 0 && (file.revents & (POLLERR | POLLNVAL)) != 0) RaiseHalt(Halt::kStopped);
}

void FrameWriter::Key(std::string_view key) {
  if (!first_) Put(',');
  first_ = false;
  PutQuoted(key);
  Put(':');
}

void FrameWriter::Put(char c) {
  RMEM_CHECK(size_ < kCapacity);
  buffer_[size_++] = c;
}

void FrameWriter::Put(std::string_view text) {
  for (const char c : text) Put(c);
}

void FrameWriter::PutQuoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  Put('"');
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      Put('\\');
      Put(c);
    } else if (byte < 0x20) {
      Put("\\u00");
      Put(kHex[byte >> 4]);
      Put(kHex[byte & 15]);
    } else {
      Put(c);
    }
  }
  Put('"');
}

void FrameWriter::PutDecimal(double value) {
  const std::uint64_t tenths = static_cast<std::uint64_t>(std::llround(value * 10));
  PutNumber(tenths / 10);
  Put('.');
  PutNumber(tenths % 10);
}

void FrameWriter::PutNumber(std::uint64_t value) {
  char digits[20];
  std::size_t at = sizeof(digits);
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Put(std::string_view(digits + at, sizeof(digits) - at));
}

void FrameWriter::Flush() {
  for (std::size_t written = 0; written < size_;) {
    const ssize_t count = write(file_, buffer_ + written, size_ - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      RaiseHalt(Halt::kStopped);
      return;
    } else if (Halted()) {
      return;
    }
  }
}

}  // namespace rmem
