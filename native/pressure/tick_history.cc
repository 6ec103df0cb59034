#include "pressure/tick_history.h"

#include <algorithm>
#include <cmath>

namespace rmem {

double TickHistory::HighestOf(std::size_t ticks) const {
  const std::size_t n = std::min(ticks, size_);
  const double* const newest = &highest_[at_ + kCapacity];
  double highest = 0;
  for (std::size_t lag = 0; lag < n; ++lag) highest = std::max(highest, *(newest - lag));
  return highest;
}

namespace {

/** Sums over the newest values less the newest one, by their lag. Four of each, so that none waits for the
 * one before. */
class LagSums {
 public:
  /** Of the lags from where the last call ended, up to `end`. */
  void AddUpTo(std::size_t end, const double* newest) {
    const double base = *newest;
    for (; at_ + kLanes <= end; at_ += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        Add(lane, at_ + lane, *(newest - (at_ + lane)) - base);
    }
    for (; at_ < end; ++at_) Add(0, at_, *(newest - at_) - base);
  }

  TickHistory::Line Line(double newest) const {
    const double count = static_cast<double>(at_);
    const double sum = Total(sums_);
    TickHistory::Line line;
    line.mean = newest + sum / count;
    if (at_ < 2) return line;
    // Lags count back in time.
    const double product = (count - 1) / 2 * sum - Total(products_);
    const double spread = count * (count * count - 1) / 12;
    line.slope = product / spread;
    if (at_ > 2) {
      const double residual = std::max(0.0, Total(squares_) - sum * sum / count - line.slope * product);
      line.slopeError = std::sqrt(residual / (count - 2) / spread);
    }
    return line;
  }

 private:
  static constexpr std::size_t kLanes = 4;
  using Lanes = std::array<double, kLanes>;

  void Add(std::size_t lane, std::size_t lag, double value) {
    sums_[lane] += value;
    squares_[lane] += value * value;
    products_[lane] += static_cast<double>(lag) * value;
  }

  static double Total(const Lanes& lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

  std::size_t at_ = 0;
  Lanes sums_{};
  Lanes squares_{};
  Lanes products_{};
};

}  // namespace

TickHistory::Line TickHistory::Fit(std::size_t ticks) const {
  if (size_ == 0 || ticks == 0) return {};
  LagSums sums;
  sums.AddUpTo(std::min(ticks, size_), &values_[at_ + kCapacity]);
  return sums.Line(At(0));
}

std::array<TickHistory::Line, TickHistory::kWindows> TickHistory::Fit(
    const std::array<std::size_t, kWindows>& ticks) const {
  std::array<Line, kWindows> lines;
  if (size_ == 0) return lines;
  LagSums sums;
  for (std::size_t window = 0; window < kWindows; ++window) {
    sums.AddUpTo(std::min(ticks[window], size_), &values_[at_ + kCapacity]);
    lines[window] = sums.Line(At(0));
  }
  return lines;
}

}  // namespace rmem
