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

TickHistory::Line TickHistory::Fit(std::size_t ticks) const {
  const std::size_t n = std::min(ticks, size_);
  if (n == 0) return {};
  const double newest = At(0);
  const double* const oldest = &values_[at_ + kCapacity - (n - 1)];
  // Against the newest value and its own middle, so that large totals don't cancel. Four sums each, so that
  // none waits for the one before.
  const double middle = (static_cast<double>(n) - 1) / 2;
  constexpr std::size_t kLanes = 4;
  std::array<double, kLanes> sums{};
  std::array<double, kLanes> products{};
  std::array<double, kLanes> squares{};
  const auto add = [&](std::size_t at, std::size_t lane) {
    const double value = oldest[at] - newest;
    sums[lane] += value;
    squares[lane] += value * value;
    products[lane] += (static_cast<double>(at) - middle) * value;
  };
  std::size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) add(at + lane, lane);
  }
  for (; at < n; ++at) add(at, 0);
  const auto total = [](const std::array<double, kLanes>& lanes) {
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  };
  const double sum = total(sums);
  const double product = total(products);
  const double count = static_cast<double>(n);
  Line line;
  line.mean = newest + sum / count;
  if (n < 2) return line;
  const double spread = count * (count * count - 1) / 12;
  line.slope = product / spread;
  if (n > 2) {
    const double residual = std::max(0.0, total(squares) - sum * sum / count - line.slope * product);
    line.slopeError = std::sqrt(residual / (count - 2) / spread);
  }
  return line;
}

}  // namespace rmem
