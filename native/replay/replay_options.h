#pragma once

#include <cstdint>
#include <string>

#include "replay/replay_state.h"

namespace rmem {

/** The command line of the replay executable. */
struct ReplayOptions {
  std::string plan;
  std::string routeName;
  RoundOptions round;
  std::uint32_t warmPasses = 0;
  std::uint64_t idleMs = 0;  // memory round: how long to wait before a last look
  bool parentDeath = false;
};

/** Throws TraceError `usage`; `bad-config` where the configuration of the heap is wrong. */
ReplayOptions ParseReplayOptions(int argc, char** argv);

}  // namespace rmem
