// The first byte chooses how the rest is read: bit 0 strict, 1 skip damaged, 2 leave the checksums as they
// are.

#include <sys/mman.h>
#include <unistd.h>

#include "fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  using namespace rmem::fuzzing;
  if (size == 0) return 0;
  const unsigned options = data[0];
  std::vector<std::byte> file(size - 1);
  if (size > 1) std::memcpy(file.data(), data + 1, size - 1);
  if ((options & 4) == 0) MendChecksums(file);

  static const int fd = memfd_create("raw_fuzz", 0);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, file.data(), file.size(), 0) != static_cast<ssize_t>(file.size()))
    return 0;
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  try {
    ResolveRaw(fd, {.strict = (options & 1) != 0, .skipDamaged = (options & 2) != 0}, info, check);
  } catch (const TraceError&) {
    // Bad input is an error, and nothing else.
  }
  return 0;
}
