#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem {

/**
 * The contents that the check round gives a block: bytes that follow from a seed and the offset, so that no
 * two blocks look alike, and any part of a block can be written or checked alone.
 */
void FillPattern(void* block, std::uint64_t seed, std::size_t from, std::size_t to);

inline constexpr std::size_t kNoMismatch = ~std::size_t{0};

/** Offset of the first byte in [0, size) that is not the pattern's. */
std::size_t FindMismatch(const void* block, std::uint64_t seed, std::size_t size);

/** Offset of the first byte in [0, size) that is not 0. */
std::size_t FindNonZero(const void* block, std::size_t size);

}  // namespace rmem
