#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "recording/shared_layout.h"
#include "trace/event.h"
#include "trace/raw_block.h"

namespace rmem::record {

/**
 * What lies in a ring: records of whole 8-byte words. The first word is `ticks << 8 | op`, where op is the op
 * byte of a raw row (raw_block.h); the reader mends the upper bits of the ticks. Then, by type:
 *
 *   alloc         address, size | log2 of the alignment << 56 (with kRawAligned)
 *   free          address, then the size (with kRawSizeTold)
 *   realloc       ticks after, old address, new address, size
 *   begin         handle, parent, text
 *   commit, abort, scope   handle
 *   mark          text
 *   thread start  TID: the ring is this thread's from here on
 *   thread end    nothing
 *   stack         count, so many addresses
 *   module        start, bytes, offset in the file, path (a text), build id (a text)
 *
 * A text is its length in bytes, then whole words.
 */
inline constexpr std::size_t kMaxTextWords = (RawBlockWriter::kMaxRawTextBytes + 7) / 8;
inline constexpr std::size_t kMaxPathWords = (RawBlockWriter::kMaxRawPathBytes + 7) / 8;
inline constexpr std::size_t kMaxBuildIdWords = (RawBlockWriter::kMaxRawBuildIdBytes + 7) / 8;
/** Of any record but a module's, which may be longer. */
inline constexpr std::size_t kMaxRecordWords = 2 + kMaxStackFrames;
static_assert(kMaxRecordWords >= 4 + kMaxTextWords);
inline constexpr unsigned kTicksShift = 8;
inline constexpr unsigned kAlignmentShift = 56;

inline std::uint64_t FirstWord(unsigned op, std::uint64_t ticks) {
  return ticks << kTicksShift | op;
}

/** The whole of the ticks of a first word, for a recording that began at `start`. */
inline std::uint64_t TicksOf(std::uint64_t first, std::uint64_t start) {
  constexpr std::uint64_t kMask = ~std::uint64_t{0} >> kTicksShift;
  const std::uint64_t since = ((first >> kTicksShift) - start) & kMask;
  // Clocks of two CPUs may differ by a little: before the start is at it.
  return since > kMask / 2 ? start : start + since;
}

/**
 * Appends one record; `makeRoom(ring, words)` is asked where it would pass ring.lookAt, and says whether
 * there is room now. One thread a ring. False where nothing was written: no room, or a signal handler came
 * into a record of its own thread. (The counts are the caller's, for makeRoom knows why.)
 */
template <class MakeRoom, class... Words>
inline bool PutWords(RingHeader& ring, MakeRoom&& makeRoom, Words... words) {
  constexpr std::size_t kCount = sizeof...(Words);
  if (ring.busy != 0) [[unlikely]]
    return false;
  ring.busy = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::uint64_t tail = ring.tail.load(std::memory_order_relaxed);
  bool room = true;
  if (tail + kCount > ring.lookAt) [[unlikely]]
    room = makeRoom(ring, kCount);
  if (room) [[likely]] {
    const std::uint64_t mask = ring.mask;
    std::uint64_t* const out = ring.words;
    std::uint64_t at = tail;
    ((out[at++ & mask] = words), ...);
    ring.tail.store(tail + kCount, std::memory_order_release);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ring.busy = 0;
  return room;
}

/** The same for a record of any length up to that of a module. */
template <class MakeRoom>
inline bool PutSpan(RingHeader& ring, MakeRoom&& makeRoom, std::span<const std::uint64_t> words) {
  if (ring.busy != 0) return false;
  ring.busy = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::uint64_t tail = ring.tail.load(std::memory_order_relaxed);
  bool room = true;
  if (tail + words.size() > ring.lookAt) room = makeRoom(ring, words.size());
  if (room) {
    for (std::size_t i = 0; i < words.size(); ++i) ring.words[(tail + i) & ring.mask] = words[i];
    ring.tail.store(tail + words.size(), std::memory_order_release);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ring.busy = 0;
  return room;
}

/** Looks how far the reader is; true where `words` more fit. The writer looks again when the ring is full. */
inline bool LookForRoom(RingHeader& ring, std::size_t words) {
  ring.lookAt = ring.head.load(std::memory_order_acquire) + ring.mask + 1;
  return ring.tail.load(std::memory_order_relaxed) + words <= ring.lookAt;
}

/** The words that are written and not read, as the reader sees them. */
inline std::uint64_t Unread(const RingHeader& ring) {
  return ring.tail.load(std::memory_order_relaxed) - ring.head.load(std::memory_order_relaxed);
}

/** `text` as words behind `out`; returns how many. At most `most` bytes are kept. */
inline std::size_t TextWords(std::string_view text, std::uint64_t* out,
                             std::size_t most = RawBlockWriter::kMaxRawTextBytes) {
  const std::size_t bytes = std::min(text.size(), most);
  out[0] = bytes;
  const std::size_t words = (bytes + 7) / 8;
  if (words > 0) out[words] = 0;
  std::memcpy(out + 1, text.data(), bytes);
  return 1 + words;
}

}  // namespace rmem::record
