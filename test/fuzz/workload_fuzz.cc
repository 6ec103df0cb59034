// The first byte's lowest bit chooses --strict.

#include <sys/mman.h>
#include <unistd.h>

#include "fuzzing.h"
#include "trace/workload_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  using namespace rmem::fuzzing;
  if (size == 0) return 0;
  static const int file = memfd_create("workload", 0);
  if (file < 0 || ftruncate(file, 0) != 0 ||
      pwrite(file, data + 1, size - 1, 0) != static_cast<ssize_t>(size - 1))
    std::abort();
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  try {
    ReadWorkload(file, {.strict = (data[0] & 1) != 0}, info, check);
  } catch (const TraceError&) {
    // Bad input is an error, and nothing else.
  }
  return 0;
}
