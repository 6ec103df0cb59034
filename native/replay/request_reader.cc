#include "replay/request_reader.h"

#include <errno.h>
#include <unistd.h>

#include <charconv>

#include "replay/halt.h"

namespace rmem {

std::optional<std::uint32_t> RequestReader::Next(std::uint32_t most) {
  for (size_ = 0; !Halted();) {
    char c;
    const ssize_t count = read(file_, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    if (c != '\n' && size_ < sizeof(line_)) {
      line_[size_++] = c;
      continue;
    }
    std::uint32_t passes = 0;
    const auto [end, error] = std::from_chars(line_, line_ + size_, passes);
    if (c == '\n' && error == std::errc() && end == line_ + size_ && passes >= 1 && passes <= most)
      return passes;
    return std::nullopt;
  }
  return 0;
}

}  // namespace rmem
