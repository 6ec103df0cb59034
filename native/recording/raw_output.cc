#include "recording/raw_output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/raw_block.h"

namespace rmem::record {
namespace {

// Out of the way of programs that count on the lowest numbers, or close them all.
constexpr int kLowestFd = 800;
constexpr std::size_t kMaxJsonBytes = 2048;

}  // namespace

bool RawOutput::Open(const char* path, std::string_view json) {
  const int kept = errno;
  fd_ = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) error_ = errno;
  if (fd_ >= 0) {
    const int high = fcntl(fd_, F_DUPFD_CLOEXEC, kLowestFd);
    if (high >= 0) {
      close(fd_);
      fd_ = high;
    }
    struct stat file {};
    if (fstat(fd_, &file) != 0) error_ = errno;
    device_ = file.st_dev;
    inode_ = file.st_ino;
    std::byte header[RawFileHeaderBytes(kMaxJsonBytes)];
    const std::size_t bytes = WriteRawFileHeader(json, header);
    if (bytes == 0) error_ = EOVERFLOW;
    if (bytes > 0) Write({header, bytes});
  }
  errno = kept;
  return error_ == 0;
}

int RawOutput::Refusal(std::size_t more) const {
  struct stat file {};
  if (fstat(fd_, &file) != 0) return errno;
  if (file.st_dev != device_ || file.st_ino != inode_) return EBADF;
  rlimit limit{};
  const bool limited = S_ISREG(file.st_mode) && getrlimit(RLIMIT_FSIZE, &limit) == 0;
  return limited && limit.rlim_cur < bytes_ + more ? EFBIG : 0;
}

bool RawOutput::Write(std::span<const std::byte> block) {
  if (fd_ < 0 || error_ != 0) return false;
  const int kept = errno;
  std::size_t done = 0;
  error_ = Refusal(block.size());
  while (error_ == 0 && done < block.size()) {
    // Not write(2) itself, which is a point where a thread may be cancelled.
    const long written = syscall(SYS_write, fd_, block.data() + done, block.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      error_ = written < 0 ? errno : ENOSPC;
      continue;
    }
    done += static_cast<std::size_t>(written);
  }
  if (error_ == 0) {
    bytes_ += done;
  } else if (done > 0) {
    // What no reader could use; a file that can't be cut (a device) stays as it is.
    [[maybe_unused]] const int cut = ftruncate(fd_, static_cast<off_t>(bytes_));
  }
  errno = kept;
  return error_ == 0;
}

void RawOutput::Close() {
  if (fd_ >= 0 && Refusal(0) != EBADF) close(fd_);
  fd_ = -1;
}

const char* OutputErrorText(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "no space left on the device";
    case EFBIG:
      return "the file may not grow further (ulimit -f)";
    case ENOMEM:
      return "out of memory or of address space (ulimit -v)";
    case EACCES:
    case EPERM:
    case EROFS:
      return "no permission to write there";
    case ENOENT:
    case ENOTDIR:
      return "there is no such folder";
    case EISDIR:
      return "it is a folder";
    case EBADF:
      return "the program has closed the file";
    case EMFILE:
    case ENFILE:
      return "too many open files";
    default:
      return "input/output error";
  }
}

}  // namespace rmem::record
