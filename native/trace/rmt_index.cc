#include "trace/rmt_index.h"

#include "base/varint.h"
#include "trace/trace_error.h"

namespace rmem {

std::vector<std::vector<std::byte>> IndexPayloads(std::span<const BlockPlace> places) {
  std::vector<std::vector<std::byte>> payloads(1);
  BlockPlace before{0, 0};
  for (const BlockPlace& place : places) {
    if (payloads.back().size() + 2 * kMaxVarintBytes > kMaxPayloadBytes) {
      payloads.emplace_back();
      before = {0, 0};
    }
    std::byte bytes[2 * kMaxVarintBytes];
    const std::byte* end =
        WriteVarint(WriteVarint(bytes, place.offset - before.offset), place.firstEvent - before.firstEvent);
    payloads.back().insert(payloads.back().end(), static_cast<const std::byte*>(bytes), end);
    before = place;
  }
  return payloads;
}

void ReadIndexPayload(std::span<const std::byte> payload, std::vector<BlockPlace>& places) {
  const std::byte* at = payload.data();
  const std::byte* end = at + payload.size();
  BlockPlace place{0, 0};
  while (at != end) {
    std::uint64_t offset;
    std::uint64_t events;
    at = ReadVarint(at, end, &offset);
    if (at != nullptr) at = ReadVarint(at, end, &events);
    if (at == nullptr) throw TraceError("damaged-block", "the index of the trace is damaged");
    place = {place.offset + offset, place.firstEvent + events};
    places.push_back(place);
  }
}

}  // namespace rmem
