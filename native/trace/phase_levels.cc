#include "trace/phase_levels.h"

#include <algorithm>

namespace rmem {
namespace {

// Fewer phases than this are no pattern.
constexpr std::uint64_t kFewestPhases = 16;
// A phase that holds more than this share of all is the life of the thread, not one of its transactions.
constexpr double kLargestShare = 0.25;
// By how much phases may grow when lives of twice the length count as short, and still be the same phases.
constexpr double kLeastStability = 0.9;
// Levels that are nearly as good as the best; of them the one with the shortest lives joins the fewest phases
// that only a straggler ties together.
constexpr double kAsGood = 0.98;

}  // namespace

// Where transactions are, the phases stay the same over a range of levels: longer than any life in a
// transaction, shorter than what its survivors live (a plateau, as persistence is used in topological data
// analysis and scale-space theory). Below the plateau they fall apart, above it survivors tie them together;
// in a trace without structure they grow with the level all the way. A statement in a transaction is a
// plateau below that of the transaction; what decides between the two is how much they hold.
double Stability(const PhaseLevels& levels, unsigned level) {
  const double next = levels[level + 1].typicalBlocks();
  return next <= 0 ? 0 : std::min(1.0, levels[level].typicalBlocks() / next);
}

std::optional<unsigned> ChooseLevel(const PhaseLevels& levels, std::uint64_t births) {
  std::array<double, kPhaseLevels> scores{};
  for (unsigned level = 0; level + 1 < kPhaseLevels; ++level) {
    const PhaseLevel& at = levels[level];
    const double stability = Stability(levels, level);
    if (at.phases < kFewestPhases || stability < kLeastStability) continue;
    if (static_cast<double>(at.mostBlocks) > kLargestShare * static_cast<double>(at.blocks)) continue;
    scores[level] = static_cast<double>(at.blocks) / static_cast<double>(births) * stability * stability;
  }
  const double best = *std::max_element(scores.begin(), scores.end());
  if (best <= 0) return std::nullopt;
  const auto chosen =
      std::find_if(scores.begin(), scores.end(), [best](double score) { return score >= kAsGood * best; });
  return static_cast<unsigned>(chosen - scores.begin());
}

bool TooFewToJudge(const PhaseLevels& levels) {
  return std::all_of(levels.begin(), levels.end(),
                     [](const PhaseLevel& level) { return level.phases < kFewestPhases; });
}

PhaseLevels Sum(const PhaseLevels& a, const PhaseLevels& b) {
  PhaseLevels sum = a;
  for (unsigned level = 0; level < kPhaseLevels; ++level) {
    sum[level].phases += b[level].phases;
    sum[level].blocks += b[level].blocks;
    sum[level].bytes += b[level].bytes;
    sum[level].births += b[level].births;
    sum[level].mostBlocks = std::max(sum[level].mostBlocks, b[level].mostBlocks);
    sum[level].squaredBlocks += b[level].squaredBlocks;
    sum[level].weightedEvents += b[level].weightedEvents;
  }
  return sum;
}

}  // namespace rmem
