#include "interpose/malloc_config.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "alloc/config_file.h"

namespace rmem {
namespace {

/** Of the memory that the kernel gave, for calls that come before the C library has `environ`. False: unset.
 */
bool FindInProcess(char (&value)[PATH_MAX]) noexcept {
  const int file = ::open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  constexpr std::size_t kNameBytes = sizeof(kConfigVariable) - 1;
  char piece[4096];
  std::size_t at = 0;  // in the entry, up to the end of what matters
  bool ours = true;
  bool found = false;
  for (ssize_t got; !found && (got = ::read(file, piece, sizeof(piece))) > 0;) {
    for (ssize_t i = 0; i < got && !found; ++i) {
      const char c = piece[i];
      if (c == '\0') {
        found = ours && at > kNameBytes;
        if (found) value[at - kNameBytes - 1] = '\0';
        at = 0;
        ours = true;
      } else if (ours) {
        if (at <= kNameBytes) {
          ours = c == (at == kNameBytes ? '=' : kConfigVariable[at]);
        } else if (at - kNameBytes - 1 < PATH_MAX - 1) {
          value[at - kNameBytes - 1] = c;
        } else {
          ours = false;
        }
        ++at;
      }
    }
  }
  ::close(file);
  return found && value[0] != '\0';
}

const char* ConfiguredPath(char (&buffer)[PATH_MAX]) noexcept {
  if (::getauxval(AT_SECURE) != 0) return nullptr;
  if (::environ == nullptr) return FindInProcess(buffer) ? buffer : nullptr;
  const char* path = ::getenv(kConfigVariable);
  return path != nullptr && path[0] != '\0' ? path : nullptr;
}

}  // namespace

void ReadHeapConfig(HeapConfig* config, SizeClassTable* classes) noexcept {
  const int before = errno;
  char buffer[PATH_MAX];
  const char* path = ConfiguredPath(buffer);
  errno = before;
  TextMistake mistake;
  if (path == nullptr || ReadHeapConfigFile(path, config, classes, &mistake)) return;
  MistakeLine line;
  DescribeMistake(path, mistake, &line);
  FixedText<sizeof(line) + 32> message;
  message.Add("rustydb-mem: ", line, "\n");
  // Nothing can be done if even this fails; the exit status says enough.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.c_str(), message.view().size());
  ::_exit(1);
}

}  // namespace rmem
