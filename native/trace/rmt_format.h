#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/crc32c.h"

namespace rmem {

/**
 * What both profiles of a `.rmt` file share. All numbers are little-endian.
 *
 *   FileHeader, JSON text                      one CRC over both
 *   (BlockHeader, payload)…                    events; one CRC over each header, one over each payload
 *   (BlockHeader, payload)…                    trailer: JSON text in pieces (canonical only)
 *   (BlockHeader, payload)…                    index: places of the event blocks (canonical only)
 *   Footer                                     (canonical only)
 *
 * Nothing in a file is outside a CRC, so that any one changed byte is found. Nothing a header promises is
 * believed when memory is taken: a payload is at most kMaxPayloadBytes, whatever it says.
 */
inline constexpr std::uint64_t kRmtMagic =
    0x1a0a0d544d52ff89;  // 89 FF "RMT" CR LF ^Z: text transfers damage it
inline constexpr std::uint16_t kRmtVersion = 1;

/** A canonical file whose header tells `stackBytes` (trace_info.h): its events may have call sites, which
 * readers of version 1 would take for damage. All else is the same, and what has no call sites is still
 * written as version 1. */
inline constexpr std::uint16_t kRmtVersionWithSites = 2;

enum class RmtProfile : std::uint16_t { kCanonical = 1, kRaw = 2 };

struct RmtFileHeader {
  std::uint64_t magic;
  std::uint16_t version;
  std::uint16_t profile;
  std::uint32_t jsonBytes;
  std::uint32_t reserved;  // 0
  std::uint32_t crc;       // over the fields above and the JSON text
};
static_assert(sizeof(RmtFileHeader) == 24);

inline constexpr std::size_t kMaxHeaderJsonBytes = 64 << 10;
inline constexpr std::size_t kMaxPayloadBytes = 64 << 10;

/** Longest kind, transaction type or mark text that a trace may name. */
inline constexpr std::size_t kMaxNameBytes = 1024;

/** More threads than a process can have had; bounds what a damaged file can make a reader set aside. */
inline constexpr std::uint32_t kMaxThreads = 1 << 20;

inline constexpr std::uint32_t kBlockSync =
    0x4b4c42f5;  // F5 "BLK": where to look for the next block after damage
inline constexpr std::uint32_t kFooterSync = 0x444e45f5;  // F5 "END"

enum class RmtBlockType : std::uint8_t { kEvents = 1, kRawEvents = 2, kTrailer = 3, kIndex = 4 };

inline constexpr std::uint8_t kBlockHasTimes = 1;  // BlockHeader::flags

struct RmtBlockHeader {
  std::uint32_t sync;
  std::uint8_t type;
  std::uint8_t flags;
  std::uint16_t reserved;  // 0
  std::uint32_t payloadBytes;
  std::uint32_t events;

  // kEvents: where the reader's counters stand before the block. kRawEvents: see below. Else 0.
  std::uint64_t
      firstEvent;  // number of the first event, from 1     raw: number of the block in its thread, from 1
  std::uint64_t births;   // blocks born so far                    raw: the thread's number (TID)
  std::uint64_t begins;   // transactions begun so far             raw: ticks of the first event
  std::uint64_t timeNs;   // base of the time differences          raw: ticks of the last event
  std::uint32_t threads;  // threads seen so far
  std::uint16_t kinds;    // names known so far
  std::uint16_t transactionTypes;
  std::uint16_t marks;
  std::uint16_t reserved2;  // 0
  std::uint32_t payloadCrc;
  std::uint32_t reserved3;  // 0
  std::uint32_t headerCrc;  // over the fields above
};
static_assert(sizeof(RmtBlockHeader) == 72);

struct RmtFooter {
  std::uint32_t sync;
  std::uint32_t reserved;  // 0
  std::uint64_t trailerOffset;
  std::uint64_t indexOffset;
  std::uint64_t fileBytes;
  std::uint64_t events;
  std::uint32_t reserved2;  // 0
  std::uint32_t crc;        // over the fields above
};
static_assert(sizeof(RmtFooter) == 48);

inline std::uint32_t HeaderCrc(const RmtBlockHeader& header) {
  return Crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(RmtBlockHeader, headerCrc)));
}

inline std::uint32_t FooterCrc(const RmtFooter& footer) {
  return Crc32c(std::as_bytes(std::span(&footer, 1)).first(offsetof(RmtFooter, crc)));
}

/** Over the fields of the header and the JSON text behind it. */
inline std::uint32_t FileHeaderCrc(const RmtFileHeader& header, std::span<const std::byte> json) {
  return Crc32c(json, Crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(RmtFileHeader, crc))));
}

}  // namespace rmem
