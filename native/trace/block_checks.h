#pragma once

#include <algorithm>
#include <bit>
#include <string>

#include "trace/event.h"
#include "trace/trace_error.h"

namespace rmem {

/** Throws TraceError `bad-size` or `bad-alignment`, without a place, for a block that no allocator could be
 * asked for. */
inline void CheckBlock(const Event& event) {
  if (event.size > kMaxBlockBytes) [[unlikely]] {
    throw TraceError("bad-size", event.size == ~std::uint64_t{0}
                                     ? "a block of 2^64 bytes or more is asked for; more than 2^47 can't be"
                                     : "a block of " + std::to_string(event.size) +
                                           " bytes is asked for; more than 2^47 can't be");
  }
  if (event.alignment != 0 && !std::has_single_bit(event.alignment)) [[unlikely]] {
    throw TraceError("bad-alignment", "an alignment of " + std::to_string(event.alignment) +
                                          " is asked for, which is no power of two");
  }
}

/** A call that returned NULL may have asked for anything, most likely for too much: what it asked for does
 * not have to be possible. */
inline void ForgetRequestOfFailed(Event& event) {
  const std::uint64_t result = event.type == EventType::kRealloc ? event.newId : event.id;
  if (result != 0) return;
  event.size = std::min(event.size, kMaxBlockBytes);
  event.alignment = 0;
}

}  // namespace rmem
