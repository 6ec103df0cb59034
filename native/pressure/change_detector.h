#pragma once

#include <algorithm>

namespace rmem {

/**
 * Two-sided CUSUM (Page, Biometrika 41, 1954) over values of mean zero and mean size one: says when they have
 * run to one side by more than chance explains.
 */
class ChangeDetector {
 public:
  bool Add(double value) {
    const double clipped = std::clamp(value, -kClip, kClip);
    up_ = std::max(0.0, up_ + clipped - kDrift);
    down_ = std::max(0.0, down_ - clipped - kDrift);
    if (up_ < kThreshold && down_ < kThreshold) return false;
    Reset();
    return true;
  }

  void Reset() { up_ = down_ = 0; }

 private:
  static constexpr double kClip = 6;
  static constexpr double kDrift = 1;
  static constexpr double kThreshold = 20;

  double up_ = 0;
  double down_ = 0;
};

}  // namespace rmem
