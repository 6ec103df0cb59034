#pragma once

#include <cstdint>

namespace rmem {

/**
 * SplitMix64 (Steele, Lea, Flood 2014): small, fast and the same everywhere, for workloads and tests that
 * must be repeatable. Not for secrets.
 */
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /** In [0, bound), bound > 0; by multiplication (Lemire 2019), whose bias is below bound / 2^32. */
  std::uint32_t Below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((Next() >> 32) * bound) >> 32);
  }

  /** True in `percent` of 100 cases. */
  bool Percent(std::uint32_t percent) { return Below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace rmem
