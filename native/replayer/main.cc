#include <unistd.h>

#include "os/process_fence.h"
#include "replay/frames.h"
#include "replay/halt.h"
#include "replay/replay_options.h"
#include "replay/round.h"
#include "trace/trace_error.h"

namespace {

// Static: on the stack it would be anonymous memory.
rmem::FrameWriter frames(STDOUT_FILENO);

}  // namespace

/** Replays a plan through one allocator for one round, and says what it saw in frames on standard output. */
int main(int argc, char** argv) {
  try {
    const rmem::ReplayOptions options = rmem::ParseReplayOptions(argc, argv);
    rmem::InstallStopSignals();
    if (options.parentDeath) rmem::DieWithParent();
    rmem::RegisterFences();
    return rmem::PlayRound(options, frames);
  } catch (const rmem::TraceError& error) {
    frames.Begin("failure");
    frames.Text("code", error.code());
    frames.Text("message", error.what());
    frames.End();
    return 1;
  }
}
