#include "pressure/error_distribution.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr double kPriorValues = 8;
/** Where what one value weighs has grown so large, all is scaled back. */
constexpr double kLargestIncrement = 1e12;

/** The lower ends of the bins on one side, of 2^(1/4) each, from kSmallest; one more than there are bins. */
template <int N>
std::array<double, N + 1> BinEnds(double smallest, int binsAnOctave) {
  std::array<double, N + 1> ends;
  for (int bin = 0; bin <= N; ++bin) ends[bin] = smallest * std::exp2(static_cast<double>(bin) / binsAnOctave);
  return ends;
}

}  // namespace

ErrorDistribution::ErrorDistribution(double halfLife) : growth_(std::exp2(1 / halfLife)) {
  // A Laplace distribution of scale 1, by its mass in each bin.
  const auto below = [](double value) {
    return value < 0 ? 0.5 * std::exp(value) : 1 - 0.5 * std::exp(-value);
  };
  for (int bin = 0; bin < kBins; ++bin) {
    const double from = bin == 0 ? 0 : below(Low(bin));
    const double to = bin == kBins - 1 ? 1 : below(High(bin));
    Put(bin, kPriorValues * (to - from));
  }
}

int ErrorDistribution::BinOf(double value) {
  const double magnitude = std::fabs(value);
  if (!(magnitude > kSmallest)) return kSide;
  // The exponent by itself is the octave; the quarter of it is found among three bounds.
  int exponent;
  const double mantissa = std::frexp(magnitude / kSmallest, &exponent);  // in [0.5, 1)
  const int quarter = (mantissa >= 0.59460355750136051) + (mantissa >= 0.70710678118654757) +
                      (mantissa >= 0.84089641525371450);
  const int bin = std::min((exponent - 1) * kBinsAnOctave + quarter, kSide - 1);
  return value > 0 ? kSide + 1 + bin : kSide - 1 - bin;
}

double ErrorDistribution::Low(int bin) {
  static const auto ends = BinEnds<kSide>(kSmallest, kBinsAnOctave);
  if (bin == kSide) return -kSmallest;
  return bin > kSide ? ends[bin - kSide - 1] : -ends[kSide - bin];
}

double ErrorDistribution::High(int bin) {
  static const auto ends = BinEnds<kSide>(kSmallest, kBinsAnOctave);
  if (bin == kSide) return kSmallest;
  return bin > kSide ? ends[bin - kSide] : -ends[kSide - bin - 1];
}

void ErrorDistribution::Put(int bin, double weight) {
  bins_[static_cast<std::size_t>(bin)] += weight;
  for (int at = bin + 1; at <= kBins; at += at & -at) sums_[static_cast<std::size_t>(at)] += weight;
  total_ += weight;
}

void ErrorDistribution::Add(double value) {
  increment_ *= growth_;
  Put(BinOf(value), increment_);
  if (increment_ < kLargestIncrement) return;
  for (double& bin : bins_) bin /= kLargestIncrement;
  for (double& sum : sums_) sum /= kLargestIncrement;
  total_ /= kLargestIncrement;
  increment_ /= kLargestIncrement;
}

double ErrorDistribution::Quantile(double level) const {
  double missing = level * total_;
  int bin = 0;
  for (int step = kHighestStep; step > 0; step /= 2) {
    const int next = bin + step;
    if (next > kBins || sums_[static_cast<std::size_t>(next)] >= missing) continue;
    missing -= sums_[static_cast<std::size_t>(next)];
    bin = next;
  }
  bin = std::min(bin, kBins - 1);
  if (bin == kSide) return 0;
  const double here = bins_[static_cast<std::size_t>(bin)];
  const double part = here > 0 ? std::clamp(missing / here, 0.0, 1.0) : 0;
  return Low(bin) + (High(bin) - Low(bin)) * part;
}

double ErrorDistribution::ShareBelow(double value) const {
  const int at = BinOf(value);
  double below = 0;
  for (int end = at; end > 0; end -= end & -end) below += sums_[static_cast<std::size_t>(end)];
  const double part = at == kSide ? 1 : std::clamp((value - Low(at)) / (High(at) - Low(at)), 0.0, 1.0);
  return std::clamp((below + part * bins_[static_cast<std::size_t>(at)]) / total_, 0.0, 1.0);
}

}  // namespace rmem
