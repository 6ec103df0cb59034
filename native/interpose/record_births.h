#pragma once

#include "interpose/record_log.h"
#include "interpose/record_stacks.h"

namespace rmem::record {

/** Records what an allocation returned, now, and the call stack of some. Only while Recording(). */
inline void RecordBirth(const void* block, std::size_t size, std::size_t alignment, bool zeroed) {
  const std::uint64_t ticks = AfterCall();
  SampleStack(ticks, size);
  Alloc(ticks, block, size, alignment, zeroed);
}

/** The same of a realloc that was entered at `before`. A null for a size of 0 was a free. */
inline void RecordRealloc(std::uint64_t before, const void* old, const void* block, std::size_t size) {
  const std::uint64_t after = AfterCall();
  // At the time of the entry, so that what follows it is not late.
  if (block != nullptr) SampleStack(before, size);
  Realloc(before, after, old, block, size);
}

}  // namespace rmem::record
