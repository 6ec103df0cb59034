#include "pressure/adaptive_model.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr double kHalfLifeS = 1200;
constexpr double kLossHalfLifeS = 900;
constexpr double kClip = 6;
/** How fast weights follow losses, in a mean absolute move. */
constexpr double kLearningRate = 0.25;
/** "No change" is believed before it is shown: so many average moves are on its side, at thirty seconds. */
constexpr double kPriorLoss = 15;
/** A straight line needs less to be believed: most of the time there is none, and it says the same as "no
 * change". */
constexpr double kPriorLossOfStraight = 3;
/** A line is straight that is so many times as steep as it is uncertain. */
constexpr double kStraightErrors = 12;
/** What is so far behind is not worth the sum. */
constexpr double kHopelessExpert = 30;
/** Below so many bytes nothing moves. */
constexpr double kLeastScale = 4096;

double Clip(double value) {
  return std::clamp(value, -kClip, kClip);
}

}  // namespace

void AdaptiveModel::Restart() {
  ticks_ = 0;
  holt_.Restart();
  for (Horizon& horizon : horizons_) horizon.move = 0;
}

void AdaptiveModel::Change() {
  for (Horizon& horizon : horizons_) {
    horizon.regression.Fade(0.5);
    for (double& loss : horizon.losses) loss *= 0.5;
  }
}

void AdaptiveModel::SetTick(double tickS) {
  tickS_ = tickS;
  keep_ = std::exp2(-tickS / kHalfLifeS);
  keepLoss_ = std::exp2(-tickS / kLossHalfLifeS);
}

void AdaptiveModel::Tick(const TickView& view) {
  if (view.tickS != tickS_) SetTick(view.tickS);
  holt_.Tick(view);
  at_ = (at_ + 1) % TickHistory::kCapacity;
  for (int index = 0; index < kHorizons; ++index) {
    const int ticks = TicksUntil(index, view.tickS);
    if (ticks_ >= static_cast<std::size_t>(ticks)) Learn(&horizons_[index], ticks, view);
    // What was learned over twenty minutes need not be solved for at every tick: one horizon after the other.
    if (at_ % kHorizons == static_cast<std::size_t>(index)) {
      horizons_[index].regression.Solve();
      Weigh(&horizons_[index], view.tickS * ticks);
    }
    Say(index, ticks, view);
  }
  ++ticks_;
}

void AdaptiveModel::Learn(Horizon* horizon, int ticks, const TickView& view) {
  const std::size_t then =
      (at_ + TickHistory::kCapacity - static_cast<std::size_t>(ticks)) % TickHistory::kCapacity;
  const Said& said = horizon->said[then];
  const double moved = view.history.At(0) - said.value;
  // The first values stand for all that came before.
  horizon->scale =
      horizon->scale == 0 ? std::fabs(moved) : keep_ * horizon->scale + (1 - keep_) * std::fabs(moved);
  const double target = Clip(moved / said.scale);
  const double off = std::fabs(target - horizon->regression.Predict(said.features));
  // Large errors count by their size, not by its square (Huber).
  const double weight = off > 1 ? 1 / off : 1;
  horizon->regression.Update(said.features, target, weight, keep_);
  for (std::size_t expert = 0; expert < kExperts; ++expert) {
    const double loss = std::min(kClip, std::fabs(moved - said.moves[expert]) / said.scale);
    horizon->losses[expert] = keepLoss_ * horizon->losses[expert] + loss;
  }
}

/** Hedge: weights by what each has lost, "no change" ahead at the start. Errors of long horizons overlap and
 * tell less. */
void AdaptiveModel::Weigh(Horizon* horizon, double spanS) {
  const double prior = kPriorLoss * std::sqrt(spanS / kHorizonS[0]);
  std::array<double, kExperts> losses = horizon->losses;
  for (std::size_t expert = kSteadyLine; expert < kExperts; ++expert)
    losses[expert] += expert >= kStraight ? kPriorLossOfStraight : prior;
  const double least = *std::min_element(losses.begin(), losses.end());
  double sum = 0;
  for (std::size_t expert = 0; expert < kExperts; ++expert) {
    const double behind = kLearningRate * (losses[expert] - least);
    horizon->weights[expert] = behind > kHopelessExpert ? 0 : std::exp(-behind);
    sum += horizon->weights[expert];
  }
  for (double& weight : horizon->weights) weight /= sum;
}

void AdaptiveModel::Say(int index, int ticks, const TickView& view) {
  Horizon& horizon = horizons_[index];
  const TickHistory& history = view.history;
  const double value = history.At(0);
  const double span = view.tickS * ticks;
  const TickHistory::Line& brief = view.straight[1];
  const TickHistory::Line& steady = view.steady;
  Said& said = horizon.said[at_];
  said.value = value;
  said.scale = std::max(horizon.scale, kLeastScale);
  const auto lag = std::min<std::size_t>(static_cast<std::size_t>(ticks), history.size() - 1);
  const double holt = holt_.Move(index);
  const double raw[kFeatures] = {
      brief.slope * ticks,
      steady.slope * ticks,
      value - history.At(lag),
      holt,
      value - brief.mean,
      value - steady.mean,
      std::isnan(view.netRate) ? 0 : view.netRate * span,
  };
  for (int feature = 0; feature < kFeatures; ++feature)
    said.features[feature] = Clip(raw[feature] / said.scale);
  const double learned = horizon.regression.Predict(said.features) * said.scale;
  said.moves = {0, steady.slope * ticks, learned, learned / 2, holt};
  for (std::size_t window = 0; window < kStraightWindows; ++window) {
    const auto& [slope, mean, error] = view.straight[window];
    const double straight = std::fabs(slope) > kStraightErrors * error ? slope * ticks : 0;
    said.moves[kStraight + 2 * window] = straight;
    said.moves[kStraight + 2 * window + 1] = straight / 2;
  }
  double move = 0;
  for (std::size_t expert = 0; expert < kExperts; ++expert)
    move += horizon.weights[expert] * said.moves[expert];
  // Usage is never less than none.
  horizon.move = std::max(move, -value);
}

}  // namespace rmem
