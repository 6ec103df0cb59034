#pragma once

#include <cstddef>
#include <span>

#include "pressure/sample.h"

namespace rmem {

/** A series in columns of one length; an empty one is not known. */
struct SeriesView {
  std::span<const double> timeS;
  std::span<const double> usedBytes;
  std::span<const double> totalBytes;
  std::span<const double> swapBytes;
  std::span<const double> psiPercent;
  std::span<const double> allocatedBytes;
  std::span<const double> freedBytes;

  std::size_t size() const { return timeS.size(); }

  PressureSample At(std::size_t at) const {
    const auto value = [at](std::span<const double> column) {
      return column.empty() ? kUnknown : column[at];
    };
    return {timeS[at],         usedBytes[at],         value(totalBytes), value(swapBytes),
            value(psiPercent), value(allocatedBytes), value(freedBytes)};
  }
};

}  // namespace rmem
