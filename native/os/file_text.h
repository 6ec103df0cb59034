#pragma once

#include <cstddef>
#include <string_view>

namespace rmem {

/** The text of a small file, in pages of its own: read without stdio and without malloc. */
class FileText {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  static constexpr const char* kTooLarge = "is larger than 1 MiB";

  FileText() = default;
  FileText(const FileText&) = delete;
  FileText& operator=(const FileText&) = delete;
  ~FileText();

  /** Reads a regular file. Null, or what is wrong: a clause such as `does not exist`. Leaves errno alone. */
  const char* Read(const char* path) noexcept;

  std::string_view text() const noexcept { return {bytes_, length_}; }

 private:
  const char* ReadFrom(int file) noexcept;

  char* bytes_ = nullptr;
  std::size_t length_ = 0;
};

}  // namespace rmem
