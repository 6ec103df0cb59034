#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/config_file.h"
#include "alloc/heap.h"
#include "base/bits.h"
#include "include/rustydb_mem.h"

/** What stands behind the handle: the heap, and the table of size classes that it refers to. */
struct rustydb_mem_heap {
  rmem::Heap<rmem::Preset::kRustydb> heap;
  rmem::SizeClassTable classes;
};

namespace rmem {

/** Sets errno where nothing could be had. */
template <class T>
T* Answer(T* p) noexcept {
  if (p == nullptr) [[unlikely]]
    errno = ENOMEM;
  return p;
}

/** Whether a block may be asked for; sets errno where not. Beyond PTRDIFF_MAX differences of pointers
 * overflow. */
inline bool IsPossible(std::size_t size, std::size_t alignment) noexcept {
  if (size <= PTRDIFF_MAX && (alignment == 0 || IsPowerOfTwo(alignment))) [[likely]]
    return true;
  errno = size <= PTRDIFF_MAX ? EINVAL : ENOMEM;
  return false;
}

/** Gives a caller as much of a structure as he knows, with zeroes for what we do not know. */
template <class T>
int GiveStatistics(const T& full, T* to) noexcept {
  const std::size_t wanted = to->struct_bytes;
  if (wanted < sizeof(std::size_t) + sizeof(std::uint64_t) || wanted > 64 * sizeof(T)) return EINVAL;
  const std::size_t known = wanted < sizeof(T) ? wanted : sizeof(T);
  std::memcpy(static_cast<void*>(to), &full, known);
  std::memset(reinterpret_cast<char*>(to) + known, 0, wanted - known);
  to->struct_bytes = wanted;
  return 0;
}

}  // namespace rmem
