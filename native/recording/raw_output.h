#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rmem::record {

/**
 * The raw `.rmt` of one process, written block by block. A failed write stops it for good: the file is cut
 * back to its last whole block, `error()` tells why, and nothing more is written. So does the limit on the
 * size of files, which would else end the process (SIGXFSZ), and another file behind the descriptor, where
 * the program that it is opened in has closed it. Allocates nothing, keeps errno.
 */
class RawOutput {
 public:
  RawOutput() = default;
  ~RawOutput() { Close(); }
  RawOutput(const RawOutput&) = delete;
  RawOutput& operator=(const RawOutput&) = delete;

  /** Creates or empties `path` and writes the header, a flat JSON object of texts. False: see error(). */
  bool Open(const char* path, std::string_view json);
  /** In one piece; false where it was not written. */
  bool Write(std::span<const std::byte> block);
  void Close();

  bool isOpen() const { return fd_ >= 0; }
  int error() const { return error_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  /** 0, or an errno that says why `more` bytes should not be written. */
  int Refusal(std::size_t more) const;

  int fd_ = -1;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  int error_ = 0;
  std::uint64_t bytes_ = 0;
};

/** An errno of opening or writing in words, without strerror, which may call malloc. */
const char* OutputErrorText(int error);

}  // namespace rmem::record
