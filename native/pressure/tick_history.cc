#include "pressure/tick_history.h"

#include <algorithm>
#include <cmath>

namespace rmem {

double TickHistory::HighestOf(std::size_t ticks) const {
  double highest = 0;
  for (std::size_t lag = 0; lag < std::min(ticks, size_); ++lag)
    highest = std::max(highest, highest_[(at_ + kCapacity - lag) % kCapacity]);
  return highest;
}

TickHistory::Line TickHistory::Fit(std::size_t ticks) const {
  const std::size_t n = std::min(ticks, size_);
  if (n == 0) return {};
  const double newest = At(0);
  // Against the newest value and its own middle, so that large totals don't cancel.
  const double middle = (static_cast<double>(n) - 1) / 2;
  double sum = 0;
  double product = 0;
  double squares = 0;
  for (std::size_t lag = 0; lag < n; ++lag) {
    const double value = At(lag) - newest;
    sum += value;
    squares += value * value;
    product += (middle - static_cast<double>(lag)) * value;
  }
  const double count = static_cast<double>(n);
  Line line;
  line.mean = newest + sum / count;
  if (n < 2) return line;
  const double spread = count * (count * count - 1) / 12;
  line.slope = product / spread;
  if (n > 2) {
    const double residual = std::max(0.0, squares - sum * sum / count - line.slope * product);
    line.slopeError = std::sqrt(residual / (count - 2) / spread);
  }
  return line;
}

}  // namespace rmem
