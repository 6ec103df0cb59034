#pragma once

#include <array>
#include <cstddef>

#include "pressure/classic_models.h"
#include "pressure/model.h"
#include "pressure/ridge.h"

namespace rmem {

/**
 * For each horizon a mixture of experts by exponential weights (Hedge; Freund and Schapire, JCSS 55, 1997):
 * no change, the line of five minutes, and a regression on slopes and levels of several windows that learns
 * from how the series itself moved. Errors are told when the horizon has passed, in units of how far the
 * series usually moves in it, and clipped.
 */
class AdaptiveModel {
 public:
  void Tick(const TickView& view);
  void Restart();
  void Change();
  double Move(int horizon) const { return horizons_[horizon].move; }

 private:
  static constexpr int kFeatures = 7;
  /** Behind the last one there are the straight lines, each in full and by half. */
  enum Expert : std::size_t { kNoChange, kSteadyLine, kLearned, kHalfLearned, kDamped, kStraight };
  static constexpr std::size_t kExperts = kStraight + 2 * kStraightWindows;
  static constexpr double kRidge = 6;
  using Features = RecursiveRidge<kFeatures>::Vector;

  /** What was said at a tick, until it can be judged. */
  struct Said {
    double value = 0;
    double scale = 1;
    Features features{};
    std::array<double, kExperts> moves{};
  };

  struct Horizon {
    RecursiveRidge<kFeatures> regression{kRidge};
    std::array<double, kExperts> losses{};
    std::array<Said, TickHistory::kCapacity> said{};
    std::array<double, kExperts> weights{};
    double scale = 0;  // how far usage moves in the horizon, on average
    double move = 0;
  };

  void Learn(Horizon* horizon, int ticks, const TickView& view);
  void Say(int index, int ticks, const TickView& view);
  void Weigh(Horizon* horizon, double spanS);
  void SetTick(double tickS);

  HoltModel holt_;
  std::array<Horizon, kHorizons> horizons_;
  /** Of the grid, and what follows from it. */
  double tickS_ = 0;
  double keep_ = 1;
  double keepLoss_ = 1;
  std::size_t ticks_ = 0;  // since the start or the last gap
  std::size_t at_ = 0;
};

}  // namespace rmem
