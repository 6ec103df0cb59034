#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
 * The same without a branch on the value: always writes 8 bytes (10 for 2^56 and more), of which the ones
 * before the returned place count. For values of changing lengths, where a mispredicted branch costs more
 * than all of the work.
 */
inline std::byte* WriteVarintWide(std::byte* out, std::uint64_t value) {
  if (value >> 56 != 0) [[unlikely]]
    return WriteVarint(out, value);
  const int bytes = (std::bit_width(value | 1) + 6) / 7;
  // From groups of 56 bits to groups of 28, 14 and 7, each to the bottom of its half.
  std::uint64_t spread = (value & 0x00fffffff0000000) << 4 | (value & 0x000000000fffffff);
  spread = (spread & 0x0fffc0000fffc000) << 2 | (spread & 0x00003fff00003fff);
  spread = (spread & 0x3f803f803f803f80) << 1 | (spread & 0x007f007f007f007f);
  spread |= 0x8080808080808080 & ((std::uint64_t{1} << (8 * (bytes - 1))) - 1);
  if constexpr (std::endian::native == std::endian::big) spread = __builtin_bswap64(spread);
  std::memcpy(out, &spread, sizeof(spread));
  return out + bytes;
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
