#include "interpose/malloc_stats.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include <algorithm>
#include <cstdint>

/**
 * What the C library tells of its malloc, told of ours: left to the C library, programs that ask would see an
 * empty heap. Blocks that threads have cached count as in use.
 */

#define RMEM_EXPORT extern "C" __attribute__((visibility("default")))

namespace rmem {
namespace {

/** The numbers of mallinfo2, in bytes where a name of that structure means bytes. */
struct Info {
  std::uint64_t arena;     // held for blocks that are no large objects, in use or free
  std::uint64_t ordblks;   // free regions
  std::uint64_t hblkhd;    // in large objects
  std::uint64_t uordblks;  // in use, large objects excepted
  std::uint64_t fordblks;  // free, and perhaps resident
  std::uint64_t keepcost;  // of it what malloc_trim gives back
};

Info ReadInfo() noexcept {
  const HeapStats stats = MallocHeapStats();
  Info info{};
  info.hblkhd = stats.large.liveBytes;
  const std::uint64_t others = stats.pages.liveBytes - std::min(stats.pages.liveBytes, info.hblkhd);
  info.arena = others + stats.pages.dirtyBytes;
  info.uordblks = others - std::min(others, stats.slabs.depotFreeBytes);
  info.fordblks = info.arena - info.uordblks;
  info.keepcost = stats.pages.dirtyBytes;
  info.ordblks = stats.pages.freeRegions;
  return info;
}

/** glibc's older structure wraps; the largest number says more. */
int AsInt(std::uint64_t value) noexcept {
  return static_cast<int>(std::min<std::uint64_t>(value, INT_MAX));
}

}  // namespace
}  // namespace rmem

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
RMEM_EXPORT struct mallinfo2 mallinfo2() {
  const rmem::Info info = rmem::ReadInfo();
  struct mallinfo2 result {};
  result.arena = info.arena;
  result.ordblks = info.ordblks;
  result.hblkhd = info.hblkhd;
  result.uordblks = info.uordblks;
  result.fordblks = info.fordblks;
  result.keepcost = info.keepcost;
  return result;
}
#endif
#endif

RMEM_EXPORT struct mallinfo mallinfo() {
  const rmem::Info info = rmem::ReadInfo();
  struct mallinfo result {};
  result.arena = rmem::AsInt(info.arena);
  result.ordblks = rmem::AsInt(info.ordblks);
  result.hblkhd = rmem::AsInt(info.hblkhd);
  result.uordblks = rmem::AsInt(info.uordblks);
  result.fordblks = rmem::AsInt(info.fordblks);
  result.keepcost = rmem::AsInt(info.keepcost);
  return result;
}

/** Every count of the heap, a line each, on standard error. */
RMEM_EXPORT void malloc_stats() {
  rmem::MallocHeapStats().ForEach(
      [](void*, const char* key, std::uint64_t value) {
        fprintf(stderr, "%-24s %llu\n", key, static_cast<unsigned long long>(value));
      },
      nullptr);
}

/** As XML: the version is ours, for the elements of glibc's describe what is not here. */
RMEM_EXPORT int malloc_info(int options, FILE* file) {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  fputs("<malloc version=\"rustydb-1\">\n", file);
  rmem::MallocHeapStats().ForEach(
      [](void* context, const char* key, std::uint64_t value) {
        fprintf(static_cast<FILE*>(context), "<count name=\"%s\" value=\"%llu\"/>\n", key,
                static_cast<unsigned long long>(value));
      },
      file);
  fputs("</malloc>\n", file);
  return 0;
}

/** What it sets are limits of glibc's own heap, which is not in use. Says 1 as other mallocs do: a program
 * that takes 0 for a failure has none here. */
RMEM_EXPORT int mallopt(int /*parameter*/, int /*value*/) {
  return 1;
}
