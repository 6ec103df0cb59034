#pragma once

#include <cmath>
#include <limits>

namespace rmem {

/** What is not known of a sample. */
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/** One reading of memory. Only time and usage must be known. */
struct PressureSample {
  double timeS = 0;
  double usedBytes = 0;
  double totalBytes = kUnknown;
  double swapBytes = kUnknown;
  double psiPercent = kUnknown;  // `some avg10`
  /** All that was allocated and freed so far, from any start. */
  double allocatedBytes = kUnknown;
  double freedBytes = kUnknown;
};

/** The limit that holds for a sample: `limitBytes`, or where that is kUnknown the sample's own total. */
inline double LimitAt(const PressureSample& sample, double limitBytes) {
  return std::isnan(limitBytes) ? sample.totalBytes : limitBytes;
}

/** Horizons of every forecast, in seconds. */
inline constexpr int kHorizons = 3;
inline constexpr double kHorizonS[kHorizons] = {30, 60, 120};

}  // namespace rmem
