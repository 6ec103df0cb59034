#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem {

/** A 64-bit number takes at most this many bytes as a varint. */
inline constexpr std::size_t kMaxVarintBytes = 10;

/** Writes `value` in groups of seven bits, least significant first; returns the byte after it. */
inline std::byte* WriteVarint(std::byte* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<std::byte>(value);
  return out;
}

/**
 * Reads a varint from [in, end) into `*value`; returns the byte after it, or null where it does not end in
 * time or does not fit into 64 bits.
 */
inline const std::byte* ReadVarint(const std::byte* in, const std::byte* end, std::uint64_t* value) {
  std::uint64_t sum = 0;
  for (int shift = 0; in != end && shift < 64; shift += 7) {
    const auto bits = static_cast<std::uint64_t>(*in++);
    if (shift == 63 && bits > 1) return nullptr;
    sum |= (bits & 0x7f) << shift;
    if (bits < 0x80) {
      *value = sum;
      return in;
    }
  }
  return nullptr;
}

/** Maps small numbers of either sign to small unsigned ones: 0, -1, 1, -2, … to 0, 1, 2, 3, … */
inline constexpr std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline constexpr std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace rmem
