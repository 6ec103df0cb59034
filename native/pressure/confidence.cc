#include "pressure/confidence.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr double kSayEveryS = 5;
/** What comes so much later than due can't be judged. */
constexpr double kLatestS = 30;
/** The forecaster's own word counts as so many samples of each tenth. */
constexpr double kOwnWord = 60;
constexpr double kForget = 0.999;

}  // namespace

void Confidence::Observe(double timeS, double usedBytes, double wholeBytes, const Forecaster& forecaster) {
  if (timeS <= lastS_ && size_ > 0) size_ = 0;  // a clock that went back
  Judge(timeS, usedBytes);
  lastS_ = timeS;
  lastBytes_ = usedBytes;
  if (!forecaster.ready() || !(wholeBytes > 0)) {
    chance_ = kUnknown;
    return;
  }
  const double tolerance = kTolerance * wholeBytes;
  const double raw = forecaster.ChanceWithin(tolerance, kHorizon);
  chance_ = Corrected(raw);
  const std::size_t last = (first_ + size_ + kWaiting - 1) % kWaiting;
  if (size_ > 0 && timeS - waiting_[last].timeS < kSayEveryS) return;
  if (size_ == kWaiting) {
    first_ = (first_ + 1) % kWaiting;
    --size_;
  }
  waiting_[(first_ + size_) % kWaiting] = {timeS, forecaster.At(kHorizon).used, tolerance, raw};
  ++size_;
}

void Confidence::Judge(double timeS, double usedBytes) {
  for (; size_ > 0; first_ = (first_ + 1) % kWaiting, --size_) {
    const Said& said = waiting_[first_];
    const double dueS = said.timeS + kHorizonS[kHorizon];
    if (dueS > timeS) return;
    if (timeS - dueS > kLatestS) continue;
    const double step = timeS - lastS_;
    const double part = step > 0 ? (dueS - lastS_) / step : 1;
    const double then = lastBytes_ + part * (usedBytes - lastBytes_);
    Bin& bin = bins_[std::min(static_cast<std::size_t>(said.chance * kBins), kBins - 1)];
    bin.samples = kForget * bin.samples + 1;
    bin.cameTrue = kForget * bin.cameTrue + (std::fabs(then - said.usedBytes) <= said.toleranceBytes);
  }
}

/** Between the middles of two tenths by both of them. */
double Confidence::Corrected(double chance) const {
  const auto value = [this](std::size_t at) {
    const double middle = (static_cast<double>(at) + 0.5) / kBins;
    const Bin& bin = bins_[at];
    return (bin.cameTrue + kOwnWord * middle) / (bin.samples + kOwnWord) - middle;
  };
  const double place = std::clamp(chance * kBins - 0.5, 0.0, static_cast<double>(kBins - 1));
  const auto below = std::min(static_cast<std::size_t>(place), kBins - 2);
  const double part = place - static_cast<double>(below);
  return std::clamp(chance + (1 - part) * value(below) + part * value(below + 1), 0.0, 1.0);
}

}  // namespace rmem
