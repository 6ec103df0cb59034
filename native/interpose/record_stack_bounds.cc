#include "interpose/record_stack_bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

namespace rmem::record {
namespace {

// The first thread's stack grows down into what is not mapped yet.
constexpr std::uintptr_t kGrowth = std::uintptr_t{1} << 30;

/** Reads a hexadecimal number off the front of `text`. */
std::uintptr_t TakeHexadecimal(std::string_view& text) {
  std::uintptr_t value = 0;
  while (!text.empty()) {
    const char c = text.front();
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    value = value << 4 | static_cast<unsigned>(digit);
    text.remove_prefix(1);
  }
  return value;
}

/** A line `low-high rw-p …`; true where it holds `address` and is the memory of a stack. */
bool TakeLine(std::string_view line, std::uintptr_t address, StackBounds* bounds) {
  const bool growing = line.find("[stack]") != std::string_view::npos;
  StackBounds found;
  found.low = TakeHexadecimal(line);
  if (line.empty() || line.front() != '-') return false;
  line.remove_prefix(1);
  found.high = TakeHexadecimal(line);
  if (!found.Holds(address) || line.substr(0, 3) != " rw") return false;
  if (growing) found.low = found.high > kGrowth ? found.high - kGrowth : 0;
  // A thread's own block lies at the top of its stack; what is mapped above may go at any time.
  const auto self = static_cast<std::uintptr_t>(pthread_self());
  if (found.Holds(self) && self > address) found.high = self;
  *bounds = found;
  return true;
}

}  // namespace

StackBounds FindStack(std::uintptr_t address) {
  const int errnoKept = errno;
  StackBounds bounds;
  const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    char buffer[4096];
    std::size_t held = 0;
    for (bool found = false; !found;) {
      const long got = syscall(SYS_read, static_cast<int>(file), buffer + held, sizeof(buffer) - held);
      if (got <= 0) break;
      held += static_cast<std::size_t>(got);
      std::size_t at = 0;
      while (!found) {
        const void* end = memchr(buffer + at, '\n', held - at);
        if (end == nullptr) break;
        const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - (buffer + at));
        found = TakeLine({buffer + at, length}, address, &bounds);
        at += length + 1;
      }
      if (at == 0 && held == sizeof(buffer)) at = held;  // a path that long is no stack's
      memmove(buffer, buffer + at, held - at);
      held -= at;
    }
    syscall(SYS_close, static_cast<int>(file));
  }
  errno = errnoKept;
  return bounds;
}

}  // namespace rmem::record
