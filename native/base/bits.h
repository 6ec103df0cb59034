#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace rmem {

template <std::unsigned_integral T>
constexpr bool IsPowerOfTwo(T value) {
  return std::has_single_bit(value);
}

/** The next multiple of `alignment`, a power of two. Wraps to 0 past the end of T. */
template <std::unsigned_integral T>
constexpr T AlignUp(T value, T alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

template <std::unsigned_integral T>
constexpr T AlignDown(T value, T alignment) {
  return value & ~(alignment - 1);
}

/** Position of the highest bit. Undefined for 0. */
template <std::unsigned_integral T>
constexpr int Log2Floor(T value) {
  return std::bit_width(value) - 1;
}

template <std::unsigned_integral T>
constexpr int Log2Ceil(T value) {
  return value <= 1 ? 0 : std::bit_width(static_cast<T>(value - 1));
}

/** A 64-bit value in which every bit of `value` has moved about half the others (splitmix64's finaliser). */
constexpr std::uint64_t MixBits(std::uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9;
  value ^= value >> 27;
  value *= 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace rmem
