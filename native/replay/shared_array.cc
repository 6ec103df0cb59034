#include "replay/shared_array.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "trace/trace_error.h"

namespace rmem {

void* MapShared(std::size_t bytes, const char* what) {
  void* start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (start == MAP_FAILED) {
    throw TraceError("no-memory",
                     std::string("can't map ") + std::to_string(bytes) + " bytes for " + what + " (" +
                         std::strerror(errno) +
                         "): free memory, raise the limit (ulimit -v, cgroup), or replay a smaller part "
                         "of the trace (rustydb-mem convert --head N)");
  }
  return start;
}

void UnmapShared(void* start, std::size_t bytes) noexcept {
  munmap(start, bytes);
}

}  // namespace rmem
