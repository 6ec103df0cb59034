#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem::record {

/**
 * Call stacks of some of the allocations: one every so many bytes on average that a thread allocates, as the
 * environment variable RUSTYDB_MEM_STACKS says (`65536`; `1`: at every allocation; absent or `0`: none).
 *
 * The distances between samples are drawn from an exponential distribution (a Poisson process over the bytes
 * of a thread, as in gperftools and jemalloc's profiles), so that each allocation is taken with the chance
 * 1 - exp(-(size + 1) / mean), whatever was allocated before it, and a reader can weigh it by the inverse.
 *
 * The unwinder is slow, so what it finds is learnt: how far the frame behind each return address reaches. A
 * stack is walked by that, and believed where the unwinder has found the same one before. Nothing here calls
 * malloc.
 */
extern thread_local constinit std::int64_t tBytesToStack;

/** Out of line, for the few: takes the stack, or finds that there are none to take. */
void TakeStack(std::uint64_t ticks);

/** Before the row of an allocation of `size` bytes that returned. `ticks` are those of the row. */
inline void SampleStack(std::uint64_t ticks, std::size_t size) {
  if (__builtin_expect((tBytesToStack -= static_cast<std::int64_t>(size) + 1) < 0, 0)) TakeStack(ticks);
}

/** What the environment says, as a session begins. */
void WishStacks(const char* text);

/** From here on stacks are taken: when the libraries of the program are in place. */
void PrepareStacks();

/** The mean distance for the header of the recording: `0` at every allocation; -1 where no stacks are taken.
 */
std::int64_t StackBytes();

}  // namespace rmem::record
