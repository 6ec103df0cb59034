#pragma once

#include <array>
#include <cstddef>

namespace rmem {

/**
 * A distribution of signed values that forgets: what was added n times ago counts 2^(-n / halfLife). Bins are logarithmic, four
 * an octave, from 2^-10 to 2^6 on both sides of zero; what is smaller counts as zero, what is larger as the largest. Takes no
 * memory beyond itself. It begins as the wide prior of a heavy tail, worth a few values.
 */
class ErrorDistribution {
 public:
  explicit ErrorDistribution(double halfLife);

  void Add(double value);

  /** The value that a share of `level` lies at or below; 0 < level < 1. */
  double Quantile(double level) const;

  /** The share of values at or below. */
  double ShareBelow(double value) const;

 private:
  static constexpr int kBinsAnOctave = 4;
  static constexpr int kOctaves = 16;
  static constexpr int kSide = kBinsAnOctave * kOctaves;
  static constexpr int kBins = 2 * kSide + 1;
  static constexpr int kHighestStep = 128;  // the highest power of two in kBins
  static constexpr double kSmallest = 1.0 / 1024;

  static int BinOf(double value);
  /** The ends of a bin. */
  static double Low(int bin);
  static double High(int bin);

  void Put(int bin, double weight);

  std::array<double, kBins> bins_{};
  /** Sums of bins, so that adding and both questions take a step an octave of bins (Fenwick, 1994); the first is at 1. */
  std::array<double, kBins + 1> sums_{};
  double total_ = 0;
  double growth_;
  double increment_ = 1;
};

}  // namespace rmem
