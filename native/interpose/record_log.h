#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "interpose/record_session.h"
#include "recording/ring.h"

namespace rmem::record {

/**
 * Where the recorder writes: a ring of the calling thread's own, in memory shared with the collector, or,
 * where the library stands alone, emptied into the file by the thread itself whenever it is full. No lock and
 * no system call on the way of an event; nothing here calls malloc, and errno is left as it was.
 */

/** Is something to be recorded now? Starts the session of this process if nobody has. */
inline bool Recording() {
  const Control* control = gProcess->control;
  if (control == nullptr) [[unlikely]]
    control = StartSession();
  return control->mode.load(std::memory_order_relaxed) == Mode::kRecord;
}

/** The clock of the recording; only while Recording(). */
inline const OperationClock& Clock() {
  return gClock;
}

/** Whether this process has never had a second thread, as the C library says; it says nothing before
 * glibc 2.32. */
extern const char* gSingleThreaded;

/**
 * The time after a call returned, for a birth. What keeps it from being earlier than a death on another
 * thread (waiting for all that came before) costs as much again as the clock, and is left out while there is
 * no other thread.
 */
inline std::uint64_t AfterCall() {
  return *gSingleThreaded != 0 ? Clock().Now() : Clock().After();
}

/** Puts a record of these words into the ring of this thread. */
template <class... Words>
inline void Put(Words... words) {
  RingHeader* ring = tRing;
  if (ring == nullptr) [[unlikely]] {
    ring = TakeRing();
    if (ring == nullptr) return CountUnheard();
  }
  if (!PutWords(*ring, MakeRoom, words...)) [[unlikely]]
    CountDropped(*ring);
}

inline std::uint64_t AddressOf(const void* block) {
  return reinterpret_cast<std::uintptr_t>(block);
}

inline void Alloc(std::uint64_t ticks, const void* block, std::size_t size, std::size_t alignment,
                  bool zeroed) {
  const unsigned op = static_cast<unsigned>(EventType::kAlloc) | (zeroed ? kRawZeroed : 0u);
  if (alignment == 0) [[likely]]
    return Put(FirstWord(op, ticks), AddressOf(block), std::uint64_t{size});
  const auto shift = static_cast<std::uint64_t>(__builtin_ctzll(alignment));
  Put(FirstWord(op | kRawAligned, ticks), AddressOf(block), size | shift << kAlignmentShift);
}

/** Out of line, for a thread whose ring is not at hand: it has none yet, or its operator delete was told the
 * size (record_sized_delete.h). */
void FreeWithoutRing(std::uint64_t ticks, const void* block);

inline void Free(std::uint64_t ticks, const void* block) {
  if (tRing == nullptr) [[unlikely]]
    return FreeWithoutRing(ticks, block);
  Put(FirstWord(static_cast<unsigned>(EventType::kFree), ticks), AddressOf(block));
}

/** A free whose caller told the size. */
inline void SizedFree(std::uint64_t ticks, const void* block, std::size_t size) {
  Put(FirstWord(static_cast<unsigned>(EventType::kFree) | kRawSizeTold, ticks), AddressOf(block),
      std::uint64_t{size});
}

inline void Realloc(std::uint64_t ticksBefore, std::uint64_t ticksAfter, const void* old, const void* block,
                    std::size_t size) {
  Put(FirstWord(static_cast<unsigned>(EventType::kRealloc), ticksBefore), ticksAfter, AddressOf(old),
      AddressOf(block), std::uint64_t{size});
}

/** Transaction `handle` (any number but 0 that no open transaction has) begins inside `parent` or 0. */
void Begin(std::uint64_t ticks, std::uint64_t handle, std::uint64_t parent, std::string_view type);
/** With `inherit` what is alive passes to the parent. */
void Commit(std::uint64_t ticks, std::uint64_t handle, bool inherit);
void Abort(std::uint64_t ticks, std::uint64_t handle);
/** The calling thread works for this transaction now; 0: for none. */
void Scope(std::uint64_t ticks, std::uint64_t handle);
/** A phase begins; `start` and `stop` bound what is measured. */
void Mark(std::uint64_t ticks, std::string_view text);
/** The call stack, innermost first, of the next alloc or realloc of this thread; at most kMaxStackFrames are
 * kept. */
void Stack(std::uint64_t ticks, std::span<const std::uint64_t> returnAddresses);
/** Code at [start, start + bytes) is that of the file `path` from `fileOffset` on; `buildId` as bytes. */
void Module(std::uint64_t ticks, std::uint64_t start, std::uint64_t bytes, std::uint64_t fileOffset,
            std::string_view path, std::string_view buildId);

}  // namespace rmem::record
