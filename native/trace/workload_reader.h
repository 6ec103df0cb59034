#pragma once

#include "trace/event_sink.h"
#include "trace/raw_resolver.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Reads a workload of glibc's trace-utils (`.wl`) from the regular file `fd` (positioned reads; its offset is
 * not touched), hands canonical events to `sink` and finishes it. Numbers are big-endian varints of 7 bits,
 * 0x80 saying that more follow; a file is
 *
 *   8 nptrs, 9 nsyncs, 10 nthreads, nthreads × (11 offset-in-the-file), 1
 *   per thread  2 malloc p size, 3 calloc p size, 4 realloc new old size, 5 free p, 6 signal s, 7 wait s,
 *               12 memalign p alignment size, 13 valloc p size, 14 pvalloc p size, 15 posix_memalign as 12, 0
 *               nothing, 1 the end; p = 0 is NULL
 *
 * The threads run side by side, ordered by signal and wait alone. Here each takes one call in its turn, the
 * first of the file first; a thread in a wait loses its turns until the signal came. So the order is the same
 * each time, and one that could have been. Where all wait, the first is let go: `wait-without-signal`
 * (mended). A thread whose calls end without a 1 is a warning, with `strict` the error `truncated`.
 *
 * Positions count calls in the order made. Throws TraceError with the byte offset. Memory: at most 64 MiB for
 * all threads together, a bit a sync, and what a Normaliser holds.
 */
void ReadWorkload(int fd, const ResolveOptions& options, TraceInfo& info, EventSink& sink);

}  // namespace rmem
