#include "os/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/pages.h"

namespace rmem {
namespace {

// A page more than a file may have: one that still grows is seen to.
constexpr std::size_t kBufferBytes = FileText::kMaxBytes + kPageBytes;

const char* Reason(int error) noexcept {
  switch (error) {
    case ENOENT:
      return "does not exist";
    case ENOTDIR:
      return "does not exist (a part of its path is no folder)";
    case EACCES:
    case EPERM:
      return "may not be read by this user";
    case ELOOP:
      return "is a link that leads in a circle";
    case ENAMETOOLONG:
      return "has too long a name";
    case EMFILE:
    case ENFILE:
      return "cannot be opened: too many files are open";
    default:
      return "cannot be read";
  }
}

}  // namespace

FileText::~FileText() {
  const int before = errno;
  if (bytes_ != nullptr) ReleasePages(bytes_, kBufferBytes);
  errno = before;
}

const char* FileText::Read(const char* path) noexcept {
  const int before = errno;
  const char* wrong = nullptr;
  // Not to wait for the other end of a pipe.
  const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) {
    wrong = Reason(errno);
  } else {
    wrong = ReadFrom(file);
    ::close(file);
  }
  errno = before;
  return wrong;
}

const char* FileText::ReadFrom(int file) noexcept {
  struct stat status;
  if (::fstat(file, &status) != 0) return Reason(errno);
  if (S_ISDIR(status.st_mode)) return "is a folder";
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (bytes_ == nullptr) {
    void* pages = ReservePages(kBufferBytes);
    if (pages == nullptr) return "cannot be read: there is no memory";
    bytes_ = static_cast<char*>(pages);
    if (!CommitPages(bytes_, kBufferBytes)) return "cannot be read: there is no memory";
  }
  length_ = 0;
  while (length_ <= kMaxBytes) {
    const ssize_t got = ::read(file, bytes_ + length_, kBufferBytes - length_);
    if (got == 0) return nullptr;
    if (got > 0) {
      length_ += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return Reason(errno);
    }
  }
  return kTooLarge;
}

}  // namespace rmem
