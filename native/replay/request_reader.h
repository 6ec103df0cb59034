#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace rmem {

/**
 * Reads what a timed round is asked for: a line with a number of warm passes. Allocates nothing, since the
 * allocator of this process is what is measured. One thread at a time.
 */
class RequestReader {
 public:
  explicit RequestReader(int file) : file_(file) {}

  /** Waits for the next request. 0: standard input ended, or replayHalt was raised. Nothing: no number from 1
   * to `most`. */
  std::optional<std::uint32_t> Next(std::uint32_t most);

 private:
  const int file_;
  std::size_t size_ = 0;
  char line_[16];
};

}  // namespace rmem
