#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rmem {

/**
 * A distribution of signed values that forgets: what was added n times ago counts 2^(-n / halfLife). Four
 * bins an octave, from 2^-10 to 2^6 on both sides of zero; what is smaller counts as zero, what is larger as
 * the largest. Takes no memory beyond itself. It begins as a Laplace distribution of scale one, worth a few
 * values.
 *
 * A quantile that is asked for again and again is kept by a cursor, which few values move by a bin: neither
 * adding nor asking takes more than some instructions.
 */
class ErrorDistribution {
 public:
  /** Of the cursors: each is for one quantile that is asked for often. */
  enum Cursor { kFirst, kSecond };

  explicit ErrorDistribution(double halfLife);

  void Add(double value);

  /** The value that a share of `level` lies at or below; 0 < level < 1. */
  double Quantile(Cursor which, double level);

  /** The share of values at or below. */
  double ShareBelow(double value) const;

 private:
  static constexpr int kBinsAnOctave = 4;
  static constexpr int kSmallestExponent = -10;
  static constexpr int kOctaves = 16;
  static constexpr int kSide = kBinsAnOctave * kOctaves;
  static constexpr int kBins = 2 * kSide + 1;

  struct Place {
    int bin = kSide;
    double below = 0;  // what lies in the bins before
  };

  static int BinOf(double value);
  /** The ends of a bin. */
  static double Low(int bin) { return bin > kSide ? EndOf(bin - kSide - 1) : -EndOf(kSide - bin); }
  static double High(int bin) { return bin >= kSide ? EndOf(bin - kSide) : -EndOf(kSide - bin - 1); }
  static double EndOf(int step);
  void Recount();

  /** Bins of which one sum is kept, so that a share takes a sixth of the sums. */
  static constexpr int kBlock = 16;

  std::array<double, kBins> bins_{};
  std::array<double, kBins / kBlock + 1> blocks_{};
  std::array<Place, 2> cursors_;
  double total_ = 0;
  double growth_;
  double increment_ = 1;
};

}  // namespace rmem
