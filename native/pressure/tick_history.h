#pragma once

#include <array>
#include <cstddef>
#include <limits>

namespace rmem {

/** Usage on a regular grid: the last ticks. */
class TickHistory {
 public:
  static constexpr std::size_t kCapacity = 128;

  void Clear() { size_ = 0; }

  /** `highest`: of all samples since the tick before. */
  void Add(double value, double highest) {
    at_ = (at_ + 1) % kCapacity;
    // Twice, so that any window is one piece.
    values_[at_] = values_[at_ + kCapacity] = value;
    highest_[at_] = highest_[at_ + kCapacity] = highest;
    if (size_ < kCapacity) ++size_;
  }

  std::size_t size() const { return size_; }

  /** The value `lag` ticks ago, lag < size(). */
  double At(std::size_t lag) const { return values_[at_ + kCapacity - lag]; }

  /** The highest of the last `ticks` ticks and what lay between them. */
  double HighestOf(std::size_t ticks) const;

  struct Line {
    double slope = 0;  // a tick
    double mean = 0;
    /** Standard error, as if residuals were independent; infinite where fewer than three ticks tell nothing
     * of it. */
    double slopeError = std::numeric_limits<double>::infinity();
  };

  /** Least squares over the last `ticks` ticks, or as many as there are. */
  Line Fit(std::size_t ticks) const;

  static constexpr std::size_t kWindows = 4;
  /** The same over several windows, in one pass; they increase. */
  std::array<Line, kWindows> Fit(const std::array<std::size_t, kWindows>& ticks) const;

 private:
  std::array<double, 2 * kCapacity> values_{};
  std::array<double, 2 * kCapacity> highest_{};
  std::size_t at_ = 0;
  std::size_t size_ = 0;
};

}  // namespace rmem
