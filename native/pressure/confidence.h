#pragma once

#include <array>
#include <cstddef>

#include "pressure/forecaster.h"

namespace rmem {

/**
 * The chance that the forecast of a minute is off by at most a hundredth of a whole (a limit, or usage where
 * there is none), as it comes true: what the forecaster's errors say is corrected by how often such a chance
 * came true before, in tenths.
 */
class Confidence {
 public:
  /** After the forecaster has seen the sample of `timeS`. */
  void Observe(double timeS, double usedBytes, double wholeBytes, const Forecaster& forecaster);

  /** kUnknown before there are forecasts. */
  double chance() const { return chance_; }

  /** Off by so much of the whole is not off. */
  static constexpr double kTolerance = 0.01;
  /** Of kHorizonS: a minute. */
  static constexpr int kHorizon = 1;

 private:
  static constexpr std::size_t kBins = 10;
  /** Forecasts of five seconds each that wait for their minute. */
  static constexpr std::size_t kWaiting = 16;

  struct Said {
    double timeS = 0;
    double usedBytes = 0;
    double toleranceBytes = 0;
    double chance = 0;
  };

  /** What such a chance came to, where nothing came true yet itself. */
  struct Bin {
    double samples = 0;
    double cameTrue = 0;
  };

  void Judge(double timeS, double usedBytes);
  double Corrected(double chance) const;

  std::array<Said, kWaiting> waiting_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::array<Bin, kBins> bins_{};
  double lastS_ = 0;
  double lastBytes_ = 0;
  double chance_ = kUnknown;
};

}  // namespace rmem
