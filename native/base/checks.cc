#include "base/checks.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace rmem {

void CheckFailed(const char* file, int line, const char* condition) noexcept {
  char digits[12];
  char* at = digits + sizeof(digits);
  do {
    *--at = static_cast<char>('0' + line % 10);
    line /= 10;
  } while (line > 0);

  const auto part = [](const char* text, std::size_t length) {
    return iovec{const_cast<char*>(text), length};
  };
  const iovec parts[] = {part("rustydb-mem: ", 13),
                         part(file, std::strlen(file)),
                         part(":", 1),
                         part(at, static_cast<std::size_t>(digits + sizeof(digits) - at)),
                         part(": broken invariant: ", 20),
                         part(condition, std::strlen(condition)),
                         part("\n", 1)};
  // Nothing can be done if even this fails; the abort says enough.
  [[maybe_unused]] const ssize_t written = writev(STDERR_FILENO, parts, sizeof(parts) / sizeof(parts[0]));
  std::abort();
}

}  // namespace rmem
