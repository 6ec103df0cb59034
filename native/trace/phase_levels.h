#pragma once

#include <array>
#include <cstdint>
#include <deque>
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
  std::uint64_t keptBlocks = 0;  // held by a phase that at the next level is the same phase
  double squaredBlocks = 0;      // sum of blocks²
  double weightedEvents = 0;     // sum of blocks × events

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

/** The share of the held blocks whose phase is the same at the next level; 0 of the last. */
double Stability(const PhaseLevels& levels, unsigned level);

/** Between 0 (no transactions) and 1: how much a level holds, and how stably. */
using LevelScores = std::array<double, kPhaseLevels>;
/** Of a thread. */
LevelScores ScoreLevels(const PhaseLevels& levels, std::uint64_t births);
/** Of the sum of several threads. */
LevelScores ScoreCommonLevels(const PhaseLevels& levels, std::uint64_t births);

/**
 * The level whose phases look most like transactions, or none where no level does. The scores of all threads
 * together weigh as much as a hundred phases of this one: what is short does as the others do.
 */
std::optional<unsigned> ChooseLevel(const PhaseLevels& levels, const LevelScores& own,
                                    const LevelScores& common);

/** Of several threads together; mostBlocks is the sum of the largest of each. */
PhaseLevels Sum(const PhaseLevels& a, const PhaseLevels& b);

/**
 * Compares the phases of a level with those of the next as both become complete, each in the order of their
 * ends, the former first. Memory: the phases that are complete at the one level and not yet at the next.
 */
class PhaseComparison {
 public:
  void Complete(const PhaseSpan& span) { parts_.push_back({span.last, span.blocks}); }

  /** The blocks of the phases in `span`, of the next level, if it is one of them but for a few blocks. */
  std::uint64_t KeptBlocks(const PhaseSpan& span);

 private:
  struct Part {
    std::uint64_t last;
    std::uint64_t blocks;
  };
  std::deque<Part> parts_;
};

}  // namespace rmem
