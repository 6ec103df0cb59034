#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pressure/backtest.h"

namespace rmem {

/**
 * What evictions do: a part of usage is a cache that can be given up, at a rate that depends on how serious
 * it is, some time after it was asked for; and what was given up is wanted again, and comes back.
 */
struct EvictionModel {
  /** Share of recorded usage that can be evicted. */
  double evictable = 0.3;
  double latencyS = 2;
  /** Share of the limit a second, by level from warning on. */
  std::array<double, kLevels> ratePerS{0, 0.0005, 0.01, 0.03};
  /** What of the evicted bytes is read again a second. */
  double refaultPerS = 1.0 / 600;
};

/** Who asks for evictions. */
enum class EvictionPolicy {
  kPolicy,
  kStatic80,  // aggressive from there on, until five points below; emergency from 95 % on
  kStatic90,
  kStatic95,
  /** Knows the future: as fast as can be, but only where the limit would be reached within ten minutes. */
  kOracle,
};
inline constexpr int kEvictionPolicies = 5;

struct ClosedLoopResult {
  double limitBytes = kUnknown;
  double evictable = 0;
  EvictionPolicy policy = EvictionPolicy::kPolicy;
  /** Without evictions, and with them; kUnknown: never. Time ends there. */
  double outWithoutS = kUnknown;
  double outS = kUnknown;
  double evictedBytes = 0;
  /** Where the limit would not have been reached within ten minutes; until then, where it would. */
  double needlessBytes = 0;
  /** Read again. */
  double refaultedBytes = 0;
};

struct ClosedLoopOptions {
  ModelKind model = ModelKind::kAdaptive;
  PressurePolicy policy;
  std::vector<double> limits;
  std::vector<double> evictable{0.1, 0.3, 0.5};
};

/**
 * Plays a series with what each policy would have evicted taken off it: used' = recorded − reclaimed, which
 * is what the forecaster then sees. One result a limit, an evictable share and a policy, in this order.
 */
std::vector<ClosedLoopResult> ClosedLoop(const SeriesView& series, const ClosedLoopOptions& options,
                                         const StopFlag& stop);

}  // namespace rmem
