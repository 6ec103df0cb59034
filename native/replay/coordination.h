#pragma once

#include <cstdint>

#include "replay/stream_context.h"

namespace rmem {

/** Instructions between two publications of a stream's progress, and between two looks at the halt flag. */
inline constexpr std::ptrdiff_t kPublishEvery = 16;

/** Tells other streams that everything before `at` has been executed. */
inline void Publish(StreamContext& context, const Instruction* at) {
  StreamCell& cell = context.cells[context.stream];
  cell.live.store(context.live, std::memory_order_relaxed);
  cell.done.Set(static_cast<std::uint64_t>(at - context.first));
}

/** kWait, kWindow and kSleepUntil in free order. False: the replay was halted. `at` is the instruction
 * itself. */
bool WaitForStream(StreamContext& context, const Instruction* at);
bool EnterWindow(StreamContext& context, const Instruction* at);
bool SleepUntil(StreamContext& context, const Instruction* at);

/** At the end of a section: publishes, and leaves the window the stream is in. */
void EndSection(StreamContext& context);

}  // namespace rmem
