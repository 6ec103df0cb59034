#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rmem {

/**
 * Counts of values with at most 1 % error over the whole range of 64 bits, in fixed memory (HDR histogram:
 * linear inside an octave, octaves by powers of two). All zero bytes are an empty histogram, so a mapping can
 * hold one.
 */
class Histogram {
 public:
  void Record(std::uint64_t value) {
    ++counts_[BucketOf(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  void Merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  /** The largest value, exact. 0 when empty. */
  std::uint64_t max() const { return max_; }
  /** The smallest recorded value that at least `share` (0..1) of all values do not exceed. 0 when empty. */
  double Quantile(double share) const;

 private:
  // Below 2^kExactBits every value has its own bucket; above, 2^(kExactBits-1) buckets an octave: each is
  // 1/64 of its values wide, and its middle is at most 0.8 % off.
  static constexpr int kExactBits = 7;
  static constexpr std::size_t kPerOctave = std::size_t{1} << (kExactBits - 1);
  static constexpr std::size_t kBuckets = (64 - kExactBits + 2) * kPerOctave;

  static std::size_t BucketOf(std::uint64_t value) {
    const int width = std::bit_width(value);
    if (width <= kExactBits) return value;
    const int shift = width - kExactBits;
    return static_cast<std::size_t>(shift) * kPerOctave + static_cast<std::size_t>(value >> shift);
  }
  static double MiddleOf(std::size_t bucket);

  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t counts_[kBuckets] = {};
};

}  // namespace rmem
