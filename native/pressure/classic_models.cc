#include "pressure/classic_models.h"

#include <algorithm>
#include <cmath>

namespace rmem {
namespace {

constexpr std::size_t kLinearTicks = 6;
constexpr std::size_t kTheilSenTicks = 16;

constexpr double kLevelShare = 0.5;
constexpr double kTrendShare = 0.1;
constexpr double kDamping = 0.95;

}  // namespace

void LinearModel::Tick(const TickView& view) {
  slope_ = view.history.Fit(kLinearTicks).slope / view.tickS;
}

void HoltModel::Tick(const TickView& view) {
  const double value = view.history.At(0);
  if (!begun_) {
    begun_ = true;
    level_ = value;
    trend_ = 0;
  } else {
    const double before = level_;
    level_ = kLevelShare * value + (1 - kLevelShare) * (level_ + kDamping * trend_);
    trend_ = kTrendShare * (level_ - before) + (1 - kTrendShare) * kDamping * trend_;
  }
  if (view.tickS != tickS_) {
    tickS_ = view.tickS;
    for (std::size_t horizon = 0; horizon < kHorizons; ++horizon)
      reach_[horizon] = kDamping * (1 - std::pow(kDamping, kHorizonS[horizon] / tickS_)) / (1 - kDamping);
  }
  for (std::size_t horizon = 0; horizon < kHorizons; ++horizon)
    moves_[horizon] = level_ - value + trend_ * reach_[horizon];
}

void TheilSenModel::Tick(const TickView& view) {
  const std::size_t ticks = std::min(kTheilSenTicks, view.history.size());
  if (ticks < 2) return;
  std::array<double, kTheilSenTicks*(kTheilSenTicks - 1) / 2> slopes;
  std::size_t count = 0;
  for (std::size_t newer = 0; newer < ticks; ++newer) {
    for (std::size_t older = newer + 1; older < ticks; ++older)
      slopes[count++] =
          (view.history.At(newer) - view.history.At(older)) / static_cast<double>(older - newer);
  }
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(slopes.begin(), middle, slopes.begin() + static_cast<std::ptrdiff_t>(count));
  slope_ = *middle / view.tickS;
}

std::optional<ModelKind> ModelByName(std::string_view name) {
  if (name == "adaptive") return ModelKind::kAdaptive;
  if (name == "persistence") return ModelKind::kPersistence;
  if (name == "linear") return ModelKind::kLinear;
  if (name == "holt") return ModelKind::kHolt;
  if (name == "theil-sen") return ModelKind::kTheilSen;
  return std::nullopt;
}

int TicksUntil(int horizon, double tickS) {
  return std::max(1, static_cast<int>(std::lround(kHorizonS[horizon] / tickS)));
}

}  // namespace rmem
