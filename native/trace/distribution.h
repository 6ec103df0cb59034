#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace rmem {

/**
 * A distribution of whole numbers as a histogram: bins of equally likely values, chosen by Walker's alias
 * method (Vose 1991), so that a sample is one random number and one row of a table, whatever the shape. Who
 * makes one (src/workload/distribution.ts) has done all arithmetic with fractions: the samples are the same
 * on every machine.
 */
class Distribution {
 public:
  struct Bin {
    std::uint64_t low;        // values low … low + width - 1, times `unit`
    std::uint64_t width;      // at least 1
    std::uint32_t threshold;  // the bin keeps (threshold + 1) / 2^32 of its turns, `alias` gets the rest
    std::uint32_t alias;
  };

  Distribution(std::uint64_t unit, std::vector<Bin> bins) : unit_(unit), bins_(std::move(bins)) {}

  std::uint64_t Sample(Random& random) const {
    if (bins_.size() == 1 && bins_[0].width == 1) return bins_[0].low * unit_;
    const std::uint64_t number = random.Next();
    // The high half picks the row: its product's upper word is the index, the lower word a fresh fraction.
    const std::uint64_t row = (number >> 32) * bins_.size();
    const Bin* bin = &bins_[row >> 32];
    if (static_cast<std::uint32_t>(row) > bin->threshold) bin = &bins_[bin->alias];
    const std::uint64_t fraction = number & 0xffffffffu;
    return (bin->low + Scale(fraction, bin->width)) * unit_;
  }

  const std::vector<Bin>& bins() const { return bins_; }
  std::uint64_t unit() const { return unit_; }

 private:
  /** width * fraction / 2^32; a width of 2^32 and more (times) loses digits that nobody sees. */
  static std::uint64_t Scale(std::uint64_t fraction, std::uint64_t width) {
    if (width >> 32 == 0) return fraction * width >> 32;
    return fraction * (width >> 32) + (fraction * (width & 0xffffffffu) >> 32);
  }

  std::uint64_t unit_;
  std::vector<Bin> bins_;
};

}  // namespace rmem
