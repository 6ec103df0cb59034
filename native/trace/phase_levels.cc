#include "trace/phase_levels.h"

#include <algorithm>

namespace rmem {
namespace {

// Fewer phases than this are no pattern.
constexpr std::uint64_t kFewestPhases = 16;
// A phase that holds more than this share of all is the life of the thread, not one of its transactions.
constexpr double kLargestShare = 0.25;
// The same on the average over threads, of which each may have but a few.
constexpr double kLargestCommonShare = 0.5;
// What holds less of the blocks is no level to give arenas to, be it ever so stable: loops, mostly.
constexpr double kLeastHeld = 0.1;
// Of the held blocks so many must find themselves in the same phase when lives of twice the length count as
// short.
constexpr double kLeastStability = 0.85;
// Levels that are nearly as good as the best; of them the one with the shortest lives joins the fewest phases
// that only a straggler ties together.
constexpr double kAsGood = 0.98;
// Phases of a thread that weigh as much as what all threads do together.
constexpr double kCommonWeight = 100;
// A phase that makes up this share of a larger one is the same phase, with a few blocks more.
constexpr double kSameShare = 0.8;

}  // namespace

// Where transactions are, the phases stay the same over a range of levels: longer than any life in a
// transaction, shorter than what its survivors live (a plateau, as persistence is used in topological data
// analysis and scale-space theory). Below the plateau they fall apart, above it survivors tie them together;
// in a trace without structure they grow with the level all the way. A statement in a transaction is a
// plateau below that of the transaction; what decides between the two is how much they hold.
double Stability(const PhaseLevels& levels, unsigned level) {
  const PhaseLevel& at = levels[level];
  return at.blocks == 0 ? 0 : static_cast<double>(at.keptBlocks) / static_cast<double>(at.blocks);
}

namespace {

LevelScores Score(const PhaseLevels& levels, std::uint64_t births, double largestShare) {
  LevelScores scores{};
  for (unsigned level = 0; level < kPhaseLevels; ++level) {
    const PhaseLevel& at = levels[level];
    if (at.phases < kFewestPhases) continue;
    const double stability = Stability(levels, level);
    const double held = static_cast<double>(at.blocks) / static_cast<double>(births);
    const double largest = static_cast<double>(at.mostBlocks) / static_cast<double>(at.blocks);
    if (stability < kLeastStability || held < kLeastHeld || largest > largestShare) continue;
    scores[level] = held * stability * stability;
  }
  return scores;
}

}  // namespace

LevelScores ScoreLevels(const PhaseLevels& levels, std::uint64_t births) {
  return Score(levels, births, kLargestShare);
}

LevelScores ScoreCommonLevels(const PhaseLevels& levels, std::uint64_t births) {
  return Score(levels, births, kLargestCommonShare);
}

std::optional<unsigned> ChooseLevel(const PhaseLevels& levels, const LevelScores& own,
                                    const LevelScores& common) {
  LevelScores scores{};
  for (unsigned level = 0; level < kPhaseLevels; ++level) {
    const PhaseLevel& at = levels[level];
    const auto phases = static_cast<double>(at.phases);
    // What others do is no excuse for a phase that is most of a thread's life.
    const bool lopsided = static_cast<double>(at.mostBlocks) > kLargestShare * static_cast<double>(at.blocks);
    if (at.phases == 0 || (at.phases >= kFewestPhases && lopsided)) continue;
    scores[level] = (phases * own[level] + kCommonWeight * common[level]) / (phases + kCommonWeight);
  }
  const double best = *std::max_element(scores.begin(), scores.end());
  if (best <= 0) return std::nullopt;
  const auto chosen =
      std::find_if(scores.begin(), scores.end(), [best](double score) { return score >= kAsGood * best; });
  return static_cast<unsigned>(chosen - scores.begin());
}

std::uint64_t PhaseComparison::KeptBlocks(const PhaseSpan& span) {
  std::uint64_t largest = 0;
  for (; !parts_.empty() && parts_.front().last <= span.last; parts_.pop_front()) {
    largest = std::max(largest, parts_.front().blocks);
  }
  return static_cast<double>(largest) >= kSameShare * static_cast<double>(span.blocks) ? largest : 0;
}

PhaseLevels Sum(const PhaseLevels& a, const PhaseLevels& b) {
  PhaseLevels sum = a;
  for (unsigned level = 0; level < kPhaseLevels; ++level) {
    sum[level].phases += b[level].phases;
    sum[level].blocks += b[level].blocks;
    sum[level].bytes += b[level].bytes;
    sum[level].births += b[level].births;
    sum[level].keptBlocks += b[level].keptBlocks;
    sum[level].mostBlocks += b[level].mostBlocks;
    sum[level].squaredBlocks += b[level].squaredBlocks;
    sum[level].weightedEvents += b[level].weightedEvents;
  }
  return sum;
}

}  // namespace rmem
