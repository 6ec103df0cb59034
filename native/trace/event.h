#pragma once

#include <cstdint>

namespace rmem {

/** What happened. The order is the order of the `.rmt` encoding; append only. */
enum class EventType : std::uint8_t {
  kAlloc,
  kFree,
  kRealloc,
  kBegin,
  kCommit,
  kAbort,
  kThreadStart,
  kThreadEnd,
  kMark,
  kSample,
};
inline constexpr int kEventTypeCount = 10;

/** Bits of Event::flags. */
inline constexpr std::uint8_t kFlagZeroed = 1;         // alloc: the caller asked for zeros
inline constexpr std::uint8_t kFlagDiesWithScope = 2;  // alloc: has no free of its own, ends with its scope
inline constexpr std::uint8_t kFlagInherit = 4;        // commit: what is alive passes to the parent
inline constexpr std::uint8_t kFlagSizeTold = 8;       // free: the caller told the size

/** The time of an event whose source has no clock. */
inline constexpr std::uint64_t kNoTime = ~std::uint64_t{0};

/**
 * One event of a trace, in the total order of the trace.
 *
 * Identities. Behind the normaliser (every sink sees this form) a block's id is its birth number: the first
 * block of the trace is 1, and every alloc and every realloc that makes a block takes the next number. A
 * transaction's id is the number of its begin, from 1; 0 is "no transaction". In front of the normaliser `id`
 * and `newId` are the addresses or handles of the source.
 *
 *   alloc         id, size, alignment (0: malloc's own), flags, scope, name = kind
 *   free          id, size (0 unless kFlagSizeTold)
 *   realloc       id = old block, newId = new block, size = new size, name = kind, scope of the new block
 *   begin         id = transaction, scope = parent or 0, name = transaction type
 *   commit/abort  id = transaction
 *   thread start  id = the thread's number in the source (a TID); `thread` is its dense index
 *   mark          name = index of its text
 *   sample        size = used bytes, id = total bytes, newId = swap used bytes or kAbsent,
 *                 scope = memory PSI (some, avg10) in 1/1000 percent or kAbsent
 */
struct Event {
  EventType type = EventType::kAlloc;
  std::uint8_t flags = 0;
  std::uint16_t name = 0;    // kind, transaction type or mark text: an index into TraceNames
  std::uint32_t thread = 0;  // dense index, in order of first appearance
  std::uint64_t timeNs = kNoTime;
  std::uint64_t id = 0;
  std::uint64_t newId = 0;
  std::uint64_t size = 0;
  std::uint64_t scope = 0;
  std::uint32_t alignment = 0;  // a power of two, or 0
  std::uint32_t site = 0;       // alloc, realloc: a call stack of TraceInfo::callSites, or 0
  std::uint64_t position = 0;   // where the source has it: line, record or event number, from 1
};
static_assert(sizeof(Event) == 64);

/** A field of a sample that its source does not have. */
inline constexpr std::uint64_t kAbsent = ~std::uint64_t{0};

/** Largest size of a block that a trace may ask for: 2^47 bytes, the address space of a process. */
inline constexpr std::uint64_t kMaxBlockBytes = std::uint64_t{1} << 47;

}  // namespace rmem
