#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rmem {

/**
 * Writes a file from its beginning, with room to fill in the first page at the end. Unless Close succeeded
 * the file is removed. Throws TraceError `disk-full` or `io`, naming the directory.
 */
class PlanFileWriter {
 public:
  explicit PlanFileWriter(std::string path);
  ~PlanFileWriter();
  PlanFileWriter(const PlanFileWriter&) = delete;
  PlanFileWriter& operator=(const PlanFileWriter&) = delete;

  void Append(const void* data, std::size_t bytes);
  /** Zeros up to the next page; returns the offset reached. */
  std::uint64_t AlignToPage();
  std::uint64_t offset() const { return written_ + buffer_.size(); }
  /** Writes `header` over the start of the file and closes it. */
  void Close(const void* header, std::size_t bytes);

 private:
  void Flush();

  std::string path_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::vector<char> buffer_;
};

/**
 * An unnamed temporary file that grows at its end and is read back at any place. Nothing of it is left when
 * the process ends, however it ends. Throws like PlanFileWriter.
 */
class SpoolFile {
 public:
  explicit SpoolFile(std::string directory);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  /** Appends and returns the offset it starts at. */
  std::uint64_t Append(const void* data, std::size_t bytes);
  void Read(std::uint64_t offset, void* into, std::size_t bytes);
  /** Appends all of it to `file`. */
  void CopyTo(PlanFileWriter& file);
  std::uint64_t size() const { return written_ + buffer_.size(); }

 private:
  void Flush();

  std::string directory_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::vector<char> buffer_;
};

}  // namespace rmem
