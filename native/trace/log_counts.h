#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rmem {

/**
 * Counts of 64-bit values in log-linear buckets: each power of two is cut into 32 equal parts, so a bucket is
 * at most 3.2 % wide. Values below 64 have a bucket of their own. Fixed memory (15 KiB), any value.
 */
class LogCounts {
 public:
  static constexpr int kSubBits = 5;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) << kSubBits;

  void Add(std::uint64_t value) {
    ++counts_[Bucket(value)];
    ++total_;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
  }

  std::uint64_t total() const { return total_; }
  std::uint64_t min() const { return total_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }

  /**
   * The smallest value that a share `quantile` (0 to 1) of all values does not exceed, to the width of a
   * bucket: its lowest value, kept inside the values seen. 0 where nothing was counted.
   */
  std::uint64_t Quantile(double quantile) const {
    if (total_ == 0) return 0;
    const double wanted = quantile * static_cast<double>(total_);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      if (counts_[bucket] == 0) continue;
      seen += counts_[bucket];
      if (static_cast<double>(seen) >= wanted) {
        if (seen == total_ && wanted >= static_cast<double>(total_)) return max_;
        const std::uint64_t low = BucketLow(bucket);
        return low < min_ ? min_ : low;
      }
    }
    return max_;
  }

  /** Counts by bit width: [0] is the value 0, [b] the values from 2^(b-1) to 2^b - 1. */
  std::array<std::uint64_t, 65> ByBitWidth() const {
    std::array<std::uint64_t, 65> widths{};
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      if (counts_[bucket] != 0) widths[std::bit_width(BucketLow(bucket))] += counts_[bucket];
    }
    return widths;
  }

 private:
  static std::size_t Bucket(std::uint64_t value) {
    if (value < (std::uint64_t{1} << kSubBits)) return value;
    const int shift = std::bit_width(value) - 1 - kSubBits;
    return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t BucketLow(std::size_t bucket) {
    if (bucket < (std::size_t{2} << kSubBits)) return bucket;
    const std::size_t shift = (bucket >> kSubBits) - 1;
    return (std::uint64_t{1} << kSubBits | (bucket & ((1u << kSubBits) - 1))) << shift;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace rmem
