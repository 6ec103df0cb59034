#pragma once

#include "replay/frames.h"
#include "replay/replay_options.h"

namespace rmem {

/**
 * Plays one round on a plan and says everything about it in frames: hello, progress, pass, sample, and at the
 * end result, failure or stopped. Returns the exit code of the process: 0, 1 or 130. Throws TraceError for
 * what is wrong before the hello.
 */
int PlayRound(const ReplayOptions& options, FrameWriter& frames);

}  // namespace rmem
