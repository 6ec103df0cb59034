#pragma once

#include <cstdint>
#include <string>

#include "replay/pressure_relief.h"
#include "replay/replay_state.h"

namespace rmem {

/** The command line of the replay executable. */
struct ReplayOptions {
  std::string plan;
  std::string routeName;
  RoundOptions round;
  std::uint32_t warmPasses = 0;
  bool onRequest = false;    // timed round: after the cold pass, as many warm ones as each request asks for
  std::uint64_t idleMs = 0;  // memory round: how long to wait before a last look
  bool times = false;        // memory round: look at the times of the plan, too
  ReliefOptions relief;      // memory round: at these times, let the allocator give memory back under a limit
  bool parentDeath = false;
};

/** Throws TraceError `usage`; `bad-config` where the configuration of the heap is wrong. */
ReplayOptions ParseReplayOptions(int argc, char** argv);

}  // namespace rmem
