#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "trace/raw_block.h"

namespace rmem::record {

/**
 * Where the recorder writes: one raw `.rmt` of this process. A thread fills a block of its own, which goes to
 * the file in one piece when it is full, when the thread ends, or when the recording stops. Nothing here
 * calls malloc: the memory is mapped, and errno is left as it was.
 *
 * What a process that is killed, or ends by _exit, has in unfinished blocks is lost. A child made by fork
 * does not record.
 */

/** Creates `path` (an existing file is emptied) and writes the header. Says why on stderr and returns false
 * if it can't. */
bool Start(const char* path);

/** Writes the unfinished blocks of all threads and closes the file. What comes later is not recorded. */
void Stop();

/** Is there a file to write to, and may this thread write to it now? */
bool Recording();

/** The clock of the recording; only while Recording(). */
const OperationClock& Clock();

void Alloc(std::uint64_t ticks, const void* block, std::size_t size, std::size_t alignment, bool zeroed);
void Free(std::uint64_t ticks, const void* block);
void Realloc(std::uint64_t ticksBefore, std::uint64_t ticksAfter, const void* old, const void* block,
             std::size_t size);

/** Transaction `handle` begins, in `parent` or 0; handles are any non-zero numbers, unique among what is
 * open. The calling thread works for it from now on. */
void Begin(std::uint64_t ticks, std::uint64_t handle, std::uint64_t parent, std::string_view type);
void Commit(std::uint64_t ticks, std::uint64_t handle, bool inherit);
void Abort(std::uint64_t ticks, std::uint64_t handle);
/** The calling thread works for this open transaction now; 0: for none. */
void Scope(std::uint64_t ticks, std::uint64_t handle);
void Mark(std::uint64_t ticks, std::string_view text);

}  // namespace rmem::record
