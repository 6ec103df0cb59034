#include "pressure/adaptive_model.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr double kHalfLifeS = 1200;
constexpr double kLossHalfLifeS = 1800;
constexpr double kShortS = 60;
constexpr double kLongS = 300;
constexpr double kClip = 6;
/** How fast weights follow losses, in a mean absolute move. */
constexpr double kLearningRate = 0.25;
/** "No change" is believed before it is shown. */
constexpr double kPriorLoss = 25;
/** Below so many bytes nothing moves. */
constexpr double kLeastScale = 4096;

double Clip(double value) { return std::clamp(value, -kClip, kClip); }

std::size_t WindowTicks(double seconds, double tickS) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(seconds / tickS) + 1, 3, TickHistory::kCapacity);
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

void AdaptiveModel::Tick(const TickView& view) {
  holt_.Tick(view);
  at_ = (at_ + 1) % TickHistory::kCapacity;
  for (int index = 0; index < kHorizons; ++index) {
    const int ticks = TicksUntil(index, view.tickS);
    if (ticks_ >= static_cast<std::size_t>(ticks)) Learn(&horizons_[index], ticks, view);
    Say(index, ticks, view);
  }
  ++ticks_;
}

void AdaptiveModel::Learn(Horizon* horizon, int ticks, const TickView& view) {
  const std::size_t then = (at_ + TickHistory::kCapacity - static_cast<std::size_t>(ticks)) % TickHistory::kCapacity;
  const Said& said = horizon->said[then];
  const double moved = view.history.At(0) - said.value;
  const double keepScale = std::exp2(-view.tickS / kHalfLifeS);
  // The first values stand for all that came before.
  horizon->scale = horizon->scale == 0 ? std::fabs(moved)
                                       : keepScale * horizon->scale + (1 - keepScale) * std::fabs(moved);
  const double target = Clip(moved / said.scale);
  const double off = std::fabs(target - horizon->regression.Predict(said.features));
  // Large errors count by their size, not by its square (Huber).
  const double weight = off > 1 ? 1 / off : 1;
  horizon->regression.Update(said.features, target, weight, keepScale);
  const double keepLoss = std::exp2(-view.tickS / kLossHalfLifeS);
  for (int expert = 0; expert < kExperts; ++expert) {
    const double loss = std::min(kClip, std::fabs(moved - said.moves[expert]) / said.scale);
    horizon->losses[expert] = keepLoss * horizon->losses[expert] + loss;
  }
}

void AdaptiveModel::Say(int index, int ticks, const TickView& view) {
  Horizon& horizon = horizons_[index];
  const TickHistory& history = view.history;
  const double value = history.At(0);
  const double span = view.tickS * ticks;
  const TickHistory::Line brief = history.Fit(WindowTicks(kShortS, view.tickS));
  const TickHistory::Line steady = history.Fit(WindowTicks(kLongS, view.tickS));
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
  for (int feature = 0; feature < kFeatures; ++feature) said.features[feature] = Clip(raw[feature] / said.scale);
  const double learned = horizon.regression.Predict(said.features) * said.scale;
  said.moves = {0, steady.slope * ticks, learned, learned / 2, holt};
  // Hedge: weights by what each has lost, "no change" ahead at the start.
  double best = horizon.losses[0];
  for (int expert = 1; expert < kExperts; ++expert) best = std::min(best, horizon.losses[expert] + kPriorLoss);
  double sum = 0;
  double move = 0;
  for (int expert = 0; expert < kExperts; ++expert) {
    const double loss = horizon.losses[expert] + (expert == 0 ? 0 : kPriorLoss);
    const double weight = std::exp(-kLearningRate * (loss - best));
    sum += weight;
    move += weight * said.moves[expert];
  }
  // Usage is never less than none.
  horizon.move = std::max(move / sum, -value);
}

}  // namespace rmem
