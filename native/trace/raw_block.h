#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/varint.h"
#include "trace/event.h"
#include "trace/rmt_format.h"

namespace rmem {

/**
 * The raw profile: what a recorder writes. After the file header come blocks, each of one thread, the blocks
 * of a thread in the order of their making. A payload is a row an event: an op byte (EventType or RawOp, and
 * flags), the ticks since the row before (zigzag varint), then its operands; addresses as zigzag differences
 * to the address before. The first row counts from RmtBlockHeader::begins and address 0.
 *
 * The JSON header of a raw file has, as texts: `ticksPerSecond`, `startTicks` (the clock's zero), and what
 * else is known of the program (`program`, `pid`, `host`, `allocator`, …); `stackBytes` where it has stacks,
 * one in so many bytes allocated (0: one an allocation).
 */
enum class RawOp : std::uint8_t {
  kScope = 10,   // the thread works for another open transaction now, or for none (0): operand, its handle
  kStack = 11,   // of the next alloc or realloc of the thread: number of return addresses, addresses
                 // (innermost first)
  kModule = 12,  // code was loaded: start, bytes, its offset in the file, path, build id (as bytes)
};

inline constexpr std::uint8_t kRawTypeMask = 15;
inline constexpr std::uint8_t kRawZeroed = 16;    // alloc
inline constexpr std::uint8_t kRawInherit = 16;   // commit
inline constexpr std::uint8_t kRawSizeTold = 16;  // free: a size follows
inline constexpr std::uint8_t kRawAligned = 32;   // alloc: log2 of the alignment follows

/** More return addresses than this a stack row does not take. */
inline constexpr std::size_t kMaxStackFrames = 64;

/** Room for any block: the size of the buffer to give to RawBlockWriter. */
inline constexpr std::size_t kRawBlockBytes = sizeof(RmtBlockHeader) + kMaxPayloadBytes;

/** Room for the file header with `jsonBytes` of JSON. */
constexpr std::size_t RawFileHeaderBytes(std::size_t jsonBytes) {
  return sizeof(RmtFileHeader) + jsonBytes;
}

/**
 * Writes the file header in front of a raw file into `out` (RawFileHeaderBytes long); returns its length, or
 * 0 where it does not fit or the JSON is longer than kMaxHeaderJsonBytes. `json` is one flat object of texts.
 */
inline std::size_t WriteRawFileHeader(std::string_view json, std::span<std::byte> out) {
  if (json.size() > kMaxHeaderJsonBytes || out.size() < RawFileHeaderBytes(json.size())) return 0;
  RmtFileHeader header{};
  header.magic = kRmtMagic;
  header.version = kRmtVersion;
  header.profile = static_cast<std::uint16_t>(RmtProfile::kRaw);
  header.jsonBytes = static_cast<std::uint32_t>(json.size());
  header.crc = FileHeaderCrc(header, std::as_bytes(std::span(json)));
  std::memcpy(out.data(), &header, sizeof(header));
  std::memcpy(out.data() + sizeof(header), json.data(), json.size());
  return RawFileHeaderBytes(json.size());
}

/**
 * Encodes the events of one thread into blocks, in a buffer of the caller's: allocates nothing, locks
 * nothing, calls nothing but memcpy (and the CRC at Finish). Start a block, add rows until one returns false
 * (nothing was written: Finish, write the block out whole and in one piece, Start the next, add it again),
 * Finish the last. One writer a thread.
 *
 * Ticks are those of the clock the file header names. A free is stamped before the call, an alloc after it, a
 * realloc on both sides. Handles of transactions are any non-zero numbers, unique among what is open.
 */
class RawBlockWriter {
 public:
  /** `buffer` has kRawBlockBytes (less makes smaller blocks; 1 KiB at least). `thread` is the TID. */
  void Start(std::span<std::byte> buffer, std::uint64_t thread, std::uint64_t ticks) {
    start_ = buffer.data();
    at_ = start_ + sizeof(RmtBlockHeader);
    const std::size_t room = buffer.size() < kRawBlockBytes ? buffer.size() : kRawBlockBytes;
    limit_ = start_ + room - kMaxRowBytes;
    thread_ = thread;
    firstTicks_ = ticks_ = ticks;
    address_ = 0;
    events_ = 0;
  }

  /** `alignment` 0 is malloc's own; otherwise a power of two. `address` 0 says that the call failed. */
  bool Alloc(std::uint64_t ticks, std::uint64_t address, std::uint64_t size, std::uint64_t alignment,
             bool zeroed) {
    if (at_ > limit_) return false;
    const unsigned flags = (zeroed ? kRawZeroed : 0u) | (alignment != 0 ? kRawAligned : 0u);
    Op(static_cast<unsigned>(EventType::kAlloc) | flags, ticks);
    Address(address);
    at_ = WriteVarintWide(at_, size);
    if (alignment != 0) *at_++ = static_cast<std::byte>(__builtin_ctzll(alignment));
    return true;
  }

  bool Free(std::uint64_t ticks, std::uint64_t address) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kFree), ticks);
    Address(address);
    return true;
  }

  bool SizedFree(std::uint64_t ticks, std::uint64_t address, std::uint64_t size) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kFree) | kRawSizeTold, ticks);
    Address(address);
    at_ = WriteVarintWide(at_, size);
    return true;
  }

  /** `oldAddress` may be 0 (then it is an alloc), `newAddress` 0 says that it failed or, with size 0, freed.
   */
  bool Realloc(std::uint64_t ticksBefore, std::uint64_t ticksAfter, std::uint64_t oldAddress,
               std::uint64_t newAddress, std::uint64_t size) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kRealloc), ticksBefore);
    Signed(ticksAfter - ticks_);
    ticks_ = ticksAfter;
    Address(oldAddress);
    Address(newAddress);
    at_ = WriteVarintWide(at_, size);
    return true;
  }

  /** Transaction `handle` begins, in `parent` or 0; what the thread allocates is its own until it ends or
   * Scope says else. */
  bool Begin(std::uint64_t ticks, std::uint64_t handle, std::uint64_t parent, std::string_view type) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kBegin), ticks);
    at_ = WriteVarint(at_, handle);
    at_ = WriteVarint(at_, parent);
    Text(type);
    return true;
  }

  bool Commit(std::uint64_t ticks, std::uint64_t handle, bool inherit) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kCommit) | (inherit ? kRawInherit : 0u), ticks);
    at_ = WriteVarint(at_, handle);
    return true;
  }

  bool Abort(std::uint64_t ticks, std::uint64_t handle) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kAbort), ticks);
    at_ = WriteVarint(at_, handle);
    return true;
  }

  /** The thread goes on working for the open transaction `handle`, or for none. */
  bool Scope(std::uint64_t ticks, std::uint64_t handle) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(RawOp::kScope), ticks);
    at_ = WriteVarint(at_, handle);
    return true;
  }

  /** At most kMaxRawTextBytes of `text` are kept. */
  bool Mark(std::uint64_t ticks, std::string_view text) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kMark), ticks);
    Text(text);
    return true;
  }

  /** Return addresses, innermost first, of the next alloc or realloc row, which fits into the block as well
   * where it comes right behind; at most kMaxStackFrames are kept. */
  bool Stack(std::uint64_t ticks, std::span<const std::uint64_t> returnAddresses) {
    const std::size_t count =
        returnAddresses.size() < kMaxStackFrames ? returnAddresses.size() : kMaxStackFrames;
    if (!HasRoom((count + 2) * kMaxVarintBytes + 1 + kMaxRowBytes)) return false;
    Op(static_cast<unsigned>(RawOp::kStack), ticks);
    at_ = WriteVarint(at_, count);
    std::uint64_t before = 0;
    for (const std::uint64_t address : returnAddresses.first(count)) {
      Signed(address - before);
      before = address;
    }
    return true;
  }

  /** Code at [start, start + bytes) is that of `path` from `fileOffset` on. At most kMaxRawPathBytes and
   * kMaxRawBuildIdBytes are kept. */
  bool Module(std::uint64_t ticks, std::uint64_t start, std::uint64_t bytes, std::uint64_t fileOffset,
              std::string_view path, std::string_view buildId) {
    path = path.substr(0, kMaxRawPathBytes);
    buildId = buildId.substr(0, kMaxRawBuildIdBytes);
    if (!HasRoom(1 + 6 * kMaxVarintBytes + path.size() + buildId.size())) return false;
    Op(static_cast<unsigned>(RawOp::kModule), ticks);
    for (const std::uint64_t value : {start, bytes, fileOffset}) at_ = WriteVarint(at_, value);
    for (const std::string_view text : {path, buildId}) {
      at_ = WriteVarint(at_, text.size());
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
    return true;
  }

  bool ThreadEnd(std::uint64_t ticks) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kThreadEnd), ticks);
    return true;
  }

  /** Memory of the process: bytes in use, bytes there are, swap in use or kAbsent. */
  bool Sample(std::uint64_t ticks, std::uint64_t used, std::uint64_t total, std::uint64_t swap) {
    if (at_ > limit_) return false;
    Op(static_cast<unsigned>(EventType::kSample), ticks);
    at_ = WriteVarint(at_, used);
    at_ = WriteVarint(at_, total);
    at_ = WriteVarint(at_, swap + 1);
    return true;
  }

  /** Events in the block so far. */
  std::uint32_t events() const { return events_; }

  /** Completes the block; returns how many bytes of the buffer to write, 0 where it has no events. */
  std::size_t Finish() {
    if (events_ == 0) return 0;
    RmtBlockHeader header{};
    const std::byte* payload = start_ + sizeof(header);
    header.sync = kBlockSync;
    header.type = static_cast<std::uint8_t>(RmtBlockType::kRawEvents);
    header.flags = kBlockHasTimes;
    header.payloadBytes = static_cast<std::uint32_t>(at_ - payload);
    header.events = events_;
    header.firstEvent = ++blocks_;
    header.births = thread_;
    header.begins = firstTicks_;
    header.timeNs = ticks_;
    header.payloadCrc = Crc32c(std::span(payload, header.payloadBytes));
    header.headerCrc = HeaderCrc(header);
    std::memcpy(start_, &header, sizeof(header));
    return sizeof(header) + header.payloadBytes;
  }

  static constexpr std::size_t kMaxRawTextBytes = 127;
  static constexpr std::size_t kMaxRawPathBytes = 384;
  static constexpr std::size_t kMaxRawBuildIdBytes = 32;

 private:
  // Op, two ticks, three numbers, a byte of alignment or a text with its length.
  static constexpr std::size_t kMaxRowBytes = 1 + 5 * kMaxVarintBytes + 1 + kMaxRawTextBytes;

  /** For a row that may be longer than the others. */
  bool HasRoom(std::size_t bytes) const {
    return bytes <= static_cast<std::size_t>(limit_ + kMaxRowBytes - at_);
  }

  void Op(unsigned op, std::uint64_t ticks) {
    *at_++ = static_cast<std::byte>(op);
    Signed(ticks - ticks_);
    ticks_ = ticks;
    ++events_;
  }
  void Signed(std::uint64_t difference) {
    at_ = WriteVarintWide(at_, ZigZag(static_cast<std::int64_t>(difference)));
  }
  void Address(std::uint64_t address) {
    Signed(address - address_);
    address_ = address;
  }
  void Text(std::string_view text) {
    const std::size_t bytes = text.size() < kMaxRawTextBytes ? text.size() : kMaxRawTextBytes;
    *at_++ = static_cast<std::byte>(bytes);
    std::memcpy(at_, text.data(), bytes);
    at_ += bytes;
  }

  std::byte* start_ = nullptr;
  std::byte* at_ = nullptr;
  std::byte* limit_ = nullptr;
  std::uint64_t ticks_ = 0;
  std::uint64_t firstTicks_ = 0;
  std::uint64_t address_ = 0;
  std::uint64_t thread_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint32_t events_ = 0;
};

}  // namespace rmem
