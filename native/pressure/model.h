#pragma once

#include <memory>
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

/** What a model sees of a series at a tick. */
struct TickView {
  const TickHistory& history;
  double tickS;
  /** Bytes allocated less freed a second, over the last minute; kUnknown where nobody counts. */
  double netRate;
};

/** Forecasts of how far usage will have moved, at each tick of a regular grid. */
class Model {
 public:
  virtual ~Model() = default;

  /** A tick has come: view.history.At(0). */
  virtual void Tick(const TickView& view) = 0;

  /** The series begins anew behind a gap: what was learned stays, windows go. */
  virtual void Restart() = 0;

  /** The level or the trend has changed: what was learned counts less. */
  virtual void Change() {}

  /** Bytes that usage will have moved by after kHorizonS[horizon], from the last tick. */
  virtual double Move(int horizon) const = 0;
};

std::unique_ptr<Model> MakeModel(ModelKind kind);

/** Ticks until a horizon, at least one. */
int TicksUntil(int horizon, double tickS);

}  // namespace rmem
