#include "replay/plan_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "replay/plan.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

[[noreturn]] void Fail(const std::string& doing, const std::string& place, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  throw TraceError(full ? "disk-full" : "io",
                   "cannot " + doing + " in " + place + ": " + std::strerror(error));
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void WriteAll(int fd, const char* data, std::size_t bytes, std::uint64_t offset, const std::string& place) {
  while (bytes > 0) {
    const ssize_t done = pwrite(fd, data, bytes, static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) continue;
      Fail("write the plan", place, errno);
    }
    data += done;
    bytes -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
}

}  // namespace

SpoolFile::SpoolFile(std::string directory) : directory_(std::move(directory)) {
  std::string name = directory_ + "/rustydb-mem-spool-XXXXXX";
  fd_ = mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) Fail("make a temporary file", directory_, errno);
  unlink(name.c_str());
  buffer_.reserve(kBufferBytes);
}

SpoolFile::~SpoolFile() {
  close(fd_);
}

std::uint64_t SpoolFile::Append(const void* data, std::size_t bytes) {
  const std::uint64_t offset = size();
  if (buffer_.size() + bytes > kBufferBytes) Flush();
  const char* from = static_cast<const char*>(data);
  if (bytes > kBufferBytes) {
    WriteAll(fd_, from, bytes, written_, directory_);
    written_ += bytes;
  } else {
    buffer_.insert(buffer_.end(), from, from + bytes);
  }
  return offset;
}

void SpoolFile::Flush() {
  WriteAll(fd_, buffer_.data(), buffer_.size(), written_, directory_);
  written_ += buffer_.size();
  buffer_.clear();
}

void SpoolFile::Read(std::uint64_t offset, void* into, std::size_t bytes) {
  Flush();
  char* to = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t done = pread(fd_, to, bytes, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) Fail("read the temporary file", directory_, done < 0 ? errno : EIO);
    to += done;
    bytes -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
}

void SpoolFile::CopyTo(PlanFileWriter& file) {
  std::vector<char> part(kBufferBytes);
  const std::uint64_t end = size();
  for (std::uint64_t at = 0; at < end; at += part.size()) {
    const std::size_t bytes = std::min<std::uint64_t>(part.size(), end - at);
    Read(at, part.data(), bytes);
    file.Append(part.data(), bytes);
  }
}

PlanFileWriter::PlanFileWriter(std::string path) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd_ < 0) Fail("create the plan", DirectoryOf(path_), errno);
  buffer_.reserve(kBufferBytes);
}

PlanFileWriter::~PlanFileWriter() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(path_.c_str());
}

void PlanFileWriter::Append(const void* data, std::size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const std::size_t part = std::min(bytes, kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), from, from + part);
    from += part;
    bytes -= part;
    if (buffer_.size() == kBufferBytes) Flush();
  }
}

std::uint64_t PlanFileWriter::AlignToPage() {
  static constexpr char kZeros[kPlanPage] = {};
  const std::size_t over = offset() % kPlanPage;
  if (over != 0) Append(kZeros, kPlanPage - over);
  return offset();
}

void PlanFileWriter::Flush() {
  WriteAll(fd_, buffer_.data(), buffer_.size(), written_, DirectoryOf(path_));
  written_ += buffer_.size();
  buffer_.clear();
}

void PlanFileWriter::Close(const void* header, std::size_t bytes) {
  Flush();
  WriteAll(fd_, static_cast<const char*>(header), bytes, 0, DirectoryOf(path_));
  const int closed = close(fd_);
  fd_ = -1;
  if (closed != 0) {
    const int error = errno;
    unlink(path_.c_str());
    Fail("write the plan", DirectoryOf(path_), error);
  }
}

}  // namespace rmem
