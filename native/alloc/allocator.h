#pragma once

#include <concepts>
#include <cstddef>

namespace rmem {

/**
 * What allocates and is told sizes when it frees.
 *
 *   Allocate(size, alignment, zeroed)  null when there is no memory; size 0 gets a block of its own;
 * alignment 0 is malloc's own (8 bytes for sizes up to 8, else 16), else a power of two Free(p, size,
 * alignment)           size and alignment as they were asked for Reallocate(p, old, new, alignment) null,
 * with the old block untouched, when there is no memory
 *
 * Any thread may free what another allocated. Nothing throws.
 */
template <class A>
concept Allocator = requires(A& allocator, void* p, std::size_t size, std::size_t alignment, bool zeroed) {
  { allocator.Allocate(size, alignment, zeroed) }
  noexcept->std::same_as<void*>;
  { allocator.Free(p, size, alignment) }
  noexcept->std::same_as<void>;
  { allocator.Reallocate(p, size, size, alignment) }
  noexcept->std::same_as<void*>;
};

/** What serves only some requests; the others must go elsewhere, at allocation and, told the same, at free.
 */
template <class A>
concept PartialAllocator = Allocator<A> &&
    requires(const A& allocator, std::size_t size, std::size_t alignment) {
  { allocator.Serves(size, alignment) }
  noexcept->std::same_as<bool>;
};

}  // namespace rmem
