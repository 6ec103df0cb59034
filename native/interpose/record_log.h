#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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

/** The call stack, innermost first, of the next alloc or realloc of this thread; at most kMaxStackFrames are
 * kept. */
void Stack(std::uint64_t ticks, std::span<const std::uint64_t> returnAddresses);
/** Code at [start, start + bytes) is that of the file `path` from `fileOffset` on; `buildId` as bytes. */
void Module(std::uint64_t ticks, std::uint64_t start, std::uint64_t bytes, std::uint64_t fileOffset,
            std::string_view path, std::string_view buildId);

}  // namespace rmem::record
