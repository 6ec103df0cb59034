#include "alloc/system_malloc.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/bits.h"

namespace rmem {
namespace {

constexpr std::size_t kOwnAlignment = alignof(std::max_align_t);

}  // namespace

void* SystemMalloc::Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  // malloc(0) may be null, which here means that there is no memory.
  const std::size_t bytes = std::max<std::size_t>(size, 1);
  if (alignment <= kOwnAlignment) {
    const std::size_t aligned = std::max(bytes, alignment);  // malloc(8) need not be aligned to 16
    return zeroed ? std::calloc(1, aligned) : std::malloc(aligned);
  }
  const std::size_t rounded = AlignUp(bytes, alignment);  // as aligned_alloc demands
  if (rounded < bytes) return nullptr;
  void* p = std::aligned_alloc(alignment, rounded);
  if (p != nullptr && zeroed) std::memset(p, 0, size);
  return p;
}

void SystemMalloc::Free(void* p, std::size_t, std::size_t) noexcept {
  std::free(p);
}

void* SystemMalloc::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                               std::size_t alignment) noexcept {
  if (alignment <= kOwnAlignment) return std::realloc(p, std::max({newSize, alignment, std::size_t{1}}));
  void* moved = Allocate(newSize, alignment, false);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(oldSize, newSize));
  std::free(p);
  return moved;
}

}  // namespace rmem
