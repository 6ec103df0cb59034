#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>

#include "pressure/sample.h"
#include "pressure/tick_history.h"

namespace rmem {

/** The models there are, so that they can be compared. */
enum class ModelKind {
  kAdaptive,
  kPersistence,
  kLinear,
  kHolt,
  kTheilSen,
};

std::optional<ModelKind> ModelByName(std::string_view name);

inline constexpr std::size_t kStraightWindows = 3;

/** What a model sees of a series at a tick. */
struct TickView {
  const TickHistory& history;
  double tickS;
  /** Bytes allocated less freed a second, over the last minute; kUnknown where nobody counts. */
  double netRate;
  /** Least squares over the last half minute, minute and two minutes, and over the last five. */
  std::array<TickHistory::Line, kStraightWindows> straight;
  TickHistory::Line steady;
};

/**
 * Forecasts of how far usage will have moved, at each tick of a regular grid.
 *
 *   Tick      a tick has come: view.history.At(0)
 *   Restart   the series begins anew behind a gap: what was learned stays, windows go
 *   Change    the level or the trend has changed: what was learned counts less
 *   Move      bytes that usage will have moved by after kHorizonS[horizon], from the last tick
 */
template <class T>
concept Model = requires(T model, const T& asked, const TickView& view, int horizon) {
  model.Tick(view);
  model.Restart();
  model.Change();
  { asked.Move(horizon) } -> std::same_as<double>;
};

/** Ticks until a horizon, at least one. */
int TicksUntil(int horizon, double tickS);

}  // namespace rmem
