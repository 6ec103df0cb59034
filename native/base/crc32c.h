#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rmem {

/**
 * CRC-32C (Castagnoli; iSCSI, RFC 3720) of `bytes`, going on from `crc`, the value over what came before.
 * Uses the CPU's instruction where it has one. Allocates nothing; may be called at any time, from any thread.
 */
std::uint32_t Crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/** The same without the CPU's help; for tests and CPUs that have none. */
std::uint32_t Crc32cPortable(std::span<const std::byte> bytes, std::uint32_t crc = 0);

}  // namespace rmem
