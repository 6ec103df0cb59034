#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rmem {

/** The bytes [begin, end) of a file, read forwards through a buffer: the calls of one thread of a workload.
 */
class WorkloadStream {
 public:
  WorkloadStream(int fd, std::uint64_t begin, std::uint64_t end, std::size_t bufferBytes)
      : fd_(fd), next_(begin), end_(end), bufferBytes_(bufferBytes) {}

  /** Where in the file it is. */
  std::uint64_t offset() const { return next_ - (filled_ - at_); }
  bool AtEnd() const { return at_ == filled_ && next_ == end_; }

  /** False at the end. Throws TraceError `io`. */
  bool Byte(std::uint8_t* value) {
    if (at_ == filled_ && !Fill()) return false;
    *value = static_cast<std::uint8_t>(buffer_[at_++]);
    return true;
  }

  /** A number; false where it does not end in time. Throws TraceError `bad-record` where it does not fit. */
  bool Number(std::uint64_t* value) {
    std::uint64_t sum = 0;
    std::uint8_t byte;
    do {
      if (!Byte(&byte)) return false;
      if (sum >> 57 != 0) Overflow();
      sum = sum << 7 | (byte & 0x7f);
    } while ((byte & 0x80) != 0);
    *value = sum;
    return true;
  }

 private:
  bool Fill();
  [[noreturn]] void Overflow() const;

  int fd_;
  std::uint64_t next_;  // the first byte of the file behind the buffer
  std::uint64_t end_;
  std::size_t bufferBytes_;
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace rmem
