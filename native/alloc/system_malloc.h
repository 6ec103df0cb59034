#pragma once

#include <cstddef>

namespace rmem {

/** The malloc of the process, whichever library defines it, as an Allocator. */
class SystemMalloc {
 public:
  static void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept;
  static void Free(void* p, std::size_t size, std::size_t alignment) noexcept;
  static void* Reallocate(void* p, std::size_t oldSize, std::size_t newSize, std::size_t alignment) noexcept;
};

}  // namespace rmem
