#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "pressure/sample.h"

namespace rmem {

/**
 * Puts irregular samples on a regular grid. Its step is five seconds, or what lies between samples where that
 * is more, told by the first of them, and anew where gap follows gap; values between samples lie on the line
 * between them.
 */
class Resampler {
 public:
  enum class Outcome {
    kNone,   // goes on
    kGap,    // so long nothing came that the grid begins anew with this sample
    kClock,  // its time is not after the last one's: the grid begins anew
    kGrid,   // the first steps told of another step of the grid, which begins anew
  };

  static constexpr double kLeastTickS = 5;

  /** Calls tick(value, highest of all samples since the tick before) for each point of the grid that is
   * reached; the first of a grid is the sample it begins with. Where it begins anew, it does so before tick
   * is called. */
  template <typename Tick>
  Outcome Observe(const PressureSample& sample, const Tick& tick) {
    const double step = sample.timeS - last_.timeS;
    if (!begun_) return Begin(sample, tick, Outcome::kNone);
    if (!(step > 0)) return Begin(sample, tick, Outcome::kClock);
    // Two gaps in a row are the step of a source that has become slower.
    if (afterGap_ && step > LongestStepS(tickS_)) steps_ = 0;
    if (steps_ < kFirstSteps && Learn(step)) return Begin(sample, tick, Outcome::kGrid);
    if (step > LongestStepS(tickS_)) return Begin(sample, tick, Outcome::kGap);
    afterGap_ = false;
    while (nextS_ <= sample.timeS) {
      const double part = (nextS_ - last_.timeS) / step;
      const double value = last_.usedBytes + part * (sample.usedBytes - last_.usedBytes);
      tick(value, std::max(highest_, value));
      highest_ = value;
      // Where seconds are smaller than what a double of such a size can tell, it would stand still.
      nextS_ = std::max(nextS_ + tickS_, std::nextafter(nextS_, std::numeric_limits<double>::infinity()));
    }
    highest_ = std::max(highest_, sample.usedBytes);
    last_ = sample;
    return Outcome::kNone;
  }

  double tickS() const { return tickS_; }

  /** What lies further apart is a gap, where samples usually lie `stepS` apart. */
  static double LongestStepS(double stepS) { return std::max(30.0, 4 * stepS); }

 private:
  static constexpr std::size_t kFirstSteps = 8;
  static constexpr double kMostTickS = 60;

  template <typename Tick>
  Outcome Begin(const PressureSample& sample, const Tick& tick, Outcome outcome) {
    begun_ = true;
    afterGap_ = outcome == Outcome::kGap;
    last_ = sample;
    highest_ = sample.usedBytes;
    nextS_ = sample.timeS + tickS_;
    tick(sample.usedBytes, sample.usedBytes);
    return outcome;
  }

  /** The median of the first steps. True where it is another than before. */
  bool Learn(double step) {
    std::size_t place = steps_++;
    for (; place > 0 && seen_[place - 1] > step; --place) seen_[place] = seen_[place - 1];
    seen_[place] = step;
    const double typical = std::clamp(seen_[steps_ / 2], kLeastTickS, kMostTickS);
    if (typical == tickS_) return false;
    tickS_ = typical;
    return true;
  }

  bool begun_ = false;
  bool afterGap_ = false;  // the grid began anew with the last sample
  PressureSample last_;
  double highest_ = 0;
  double nextS_ = 0;
  double tickS_ = kLeastTickS;
  std::array<double, kFirstSteps> seen_{};  // in order
  std::size_t steps_ = 0;
};

}  // namespace rmem
