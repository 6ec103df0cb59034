#pragma once

#include <atomic>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

struct ResolveOptions {
  bool strict = false;                      // a file that was cut off is an error, not a warning
  bool skipDamaged = false;                 // go on after a damaged block, and count what was lost
  const std::atomic<bool>* stop = nullptr;  // becomes true: TraceError `stopped`
};

/**
 * Reads a raw `.rmt` from the regular file `fd` (positioned reads; its offset is not touched) and hands
 * canonical events to `sink`, which it finishes: the threads' blocks are merged by time into one order,
 * addresses become birth numbers, ticks become nanoseconds since the start of the recording. Repairs and
 * losses are counted in `info`.
 *
 * A realloc counts as the death of the old block when it was entered and as the birth of the new one when it
 * returned. Memory: one block a thread that is alive, 32 bytes a block of the file, and what a Normaliser
 * holds. Throws TraceError as the decoders do, with the byte offset of the block.
 */
void ResolveRaw(int fd, const ResolveOptions& options, TraceInfo& info, EventSink& sink);

}  // namespace rmem
