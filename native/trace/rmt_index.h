#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trace/rmt_format.h"

namespace rmem {

/** Where a block of events lies in a file. */
struct BlockPlace {
  std::uint64_t offset;      // of its header
  std::uint64_t firstEvent;  // from 1
  bool operator==(const BlockPlace&) const = default;
};

/**
 * The index of a canonical `.rmt`, as payloads of its index blocks: for each block of events, varints of what
 * its offset and its first event are more than the block's before (in the same payload, else 0).
 */
std::vector<std::vector<std::byte>> IndexPayloads(std::span<const BlockPlace> places);

/** Appends what a payload of IndexPayloads holds. Throws TraceError `damaged-block`. */
void ReadIndexPayload(std::span<const std::byte> payload, std::vector<BlockPlace>& places);

}  // namespace rmem
