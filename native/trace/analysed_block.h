#pragma once

#include <cstdint>

#include "trace/live_blocks.h"

namespace rmem {

/** What the analyser knows of a block that is alive. */
struct AnalysedBlock {
  std::uint64_t size;
  std::uint64_t scope;  // open transaction it belongs to, or 0
  std::uint64_t birthEvent;
  std::uint64_t birthTimeNs;
  std::uint32_t thread;
  std::uint32_t reallocs;
  std::uint16_t kind;
  bool diesWithScope;
};

using AnalysedBlocks = LiveBlocks<AnalysedBlock>;

}  // namespace rmem
