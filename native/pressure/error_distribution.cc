#include "pressure/error_distribution.h"

namespace rmem {
namespace {

constexpr double kPriorValues = 8;
/** Where what one value weighs has grown so large, all is scaled back. */
constexpr double kLargestIncrement = 1e9;
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;
/** Of a double, what is below the sign, the exponent and the quarters of an octave. */
constexpr int kShift = kMantissaBits - 2;

}  // namespace

double ErrorDistribution::EndOf(int step) {
  const auto top = static_cast<std::uint64_t>((kExponentBias + kSmallestExponent) * kBinsAnOctave + step);
  return std::bit_cast<double>(top << kShift);
}

/** The top bits of a double are its octave and the quarter of it. */
int ErrorDistribution::BinOf(double value) {
  const auto top = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(std::fabs(value)) >> kShift);
  const auto first = static_cast<std::int64_t>(kExponentBias + kSmallestExponent) * kBinsAnOctave;
  const int side = static_cast<int>(std::clamp<std::int64_t>(top - first + 1, 0, kSide));
  return value < 0 ? kSide - side : kSide + side;
}

ErrorDistribution::ErrorDistribution(double halfLife) : growth_(std::exp2(1 / halfLife)) {
  const auto below = [](double value) {
    return value < 0 ? 0.5 * std::exp(value) : 1 - 0.5 * std::exp(-value);
  };
  for (int bin = 0; bin < kBins; ++bin) {
    const double from = bin == 0 ? 0 : below(Low(bin));
    const double to = bin == kBins - 1 ? 1 : below(High(bin));
    bins_[static_cast<std::size_t>(bin)] = kPriorValues * (to - from);
  }
  Recount();
}

void ErrorDistribution::Recount() {
  total_ = 0;
  blocks_.fill(0);
  for (int bin = 0; bin < kBins; ++bin) {
    blocks_[static_cast<std::size_t>(bin / kBlock)] += bins_[static_cast<std::size_t>(bin)];
    total_ += bins_[static_cast<std::size_t>(bin)];
  }
  for (Place& cursor : cursors_) {
    cursor.below = 0;
    for (int bin = 0; bin < cursor.bin; ++bin) cursor.below += bins_[static_cast<std::size_t>(bin)];
  }
}

void ErrorDistribution::Add(double value) {
  increment_ *= growth_;
  const int bin = BinOf(value);
  bins_[static_cast<std::size_t>(bin)] += increment_;
  blocks_[static_cast<std::size_t>(bin / kBlock)] += increment_;
  total_ += increment_;
  for (Place& cursor : cursors_) cursor.below += bin < cursor.bin ? increment_ : 0;
  if (increment_ < kLargestIncrement) return;
  for (double& each : bins_) each /= kLargestIncrement;
  increment_ /= kLargestIncrement;
  Recount();
}

double ErrorDistribution::Quantile(Cursor which, double level) {
  Place& at = cursors_[which];
  const double wanted = level * total_;
  while (at.bin > 0 && at.below > wanted) at.below -= bins_[static_cast<std::size_t>(--at.bin)];
  while (at.bin < kBins - 1 && at.below + bins_[static_cast<std::size_t>(at.bin)] < wanted)
    at.below += bins_[static_cast<std::size_t>(at.bin++)];
  if (at.bin == kSide) return 0;
  const double here = bins_[static_cast<std::size_t>(at.bin)];
  const double part = here > 0 ? std::clamp((wanted - at.below) / here, 0.0, 1.0) : 0;
  return Low(at.bin) + (High(at.bin) - Low(at.bin)) * part;
}

double ErrorDistribution::ShareBelow(double value) const {
  const int at = BinOf(value);
  double below = 0;
  for (int block = 0; block < at / kBlock; ++block) below += blocks_[static_cast<std::size_t>(block)];
  for (int bin = at / kBlock * kBlock; bin < at; ++bin) below += bins_[static_cast<std::size_t>(bin)];
  const double part = at == kSide ? 1 : std::clamp((value - Low(at)) / (High(at) - Low(at)), 0.0, 1.0);
  return std::clamp((below + part * bins_[static_cast<std::size_t>(at)]) / total_, 0.0, 1.0);
}

}  // namespace rmem
