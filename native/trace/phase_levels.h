#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "trace/phase_spans.h"

namespace rmem {

/** Level k takes as short what lives for at most 2^(k + 2) block events of its thread: 4 to 262,144. */
inline constexpr unsigned kPhaseLevels = 17;
constexpr std::uint64_t LongestLife(unsigned level) {
  return std::uint64_t{1} << (level + 2);
}

/** A phase of fewer blocks is a pair of malloc and free, and says nothing. */
inline constexpr std::uint64_t kFewestBlocks = 4;

/** The phases of one thread at one level, those of at least kFewestBlocks. */
struct PhaseLevel {
  std::uint64_t phases = 0;
  std::uint64_t blocks = 0, bytes = 0;  // held: born and dead in a phase
  std::uint64_t births = 0;             // in a phase, survivors included
  std::uint64_t mostBlocks = 0;
  double squaredBlocks = 0;   // sum of blocks²
  double weightedEvents = 0;  // sum of blocks × events

  void Add(const PhaseSpan& span) {
    ++phases;
    blocks += span.blocks;
    bytes += span.bytes;
    births += span.births();
    mostBlocks = mostBlocks < span.blocks ? span.blocks : mostBlocks;
    squaredBlocks += static_cast<double>(span.blocks) * static_cast<double>(span.blocks);
    weightedEvents += static_cast<double>(span.blocks) * static_cast<double>(span.events());
  }

  /** Blocks, and events, of the phase that a held block finds itself in, on the average. */
  double typicalBlocks() const { return blocks == 0 ? 0 : squaredBlocks / static_cast<double>(blocks); }
  double typicalEvents() const { return blocks == 0 ? 0 : weightedEvents / static_cast<double>(blocks); }
};

using PhaseLevels = std::array<PhaseLevel, kPhaseLevels>;

/** How much alike the phases of a level (not the last) and the next are: 1 where they are the same. */
double Stability(const PhaseLevels& levels, unsigned level);

/** The level whose phases look most like transactions, or none where no level does; see the source for how.
 */
std::optional<unsigned> ChooseLevel(const PhaseLevels& levels, std::uint64_t births);

/** True of a thread that is so short that it shows no pattern of its own. */
bool TooFewToJudge(const PhaseLevels& levels);

/** Of several threads together. */
PhaseLevels Sum(const PhaseLevels& a, const PhaseLevels& b);

}  // namespace rmem
