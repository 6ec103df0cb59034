#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trace/trace_analysis.h"

namespace rmem {

/** At most 1024 points at even distances: when they are too many every second one goes, and the distance
 * doubles. */
class LiveSeries {
 public:
  /** True where a point after `event` is wanted. */
  bool Wants(std::uint64_t event) const { return (event & (stride_ - 1)) == 0; }
  void Add(const LivePoint& point) {
    points_.push_back(point);
    if (points_.size() < kPoints) return;
    stride_ *= 2;
    std::erase_if(points_, [this](const LivePoint& kept) { return !Wants(kept.event); });
  }
  std::vector<LivePoint>& points() { return points_; }

 private:
  static constexpr std::size_t kPoints = 1024;

  std::vector<LivePoint> points_;
  std::uint64_t stride_ = 1;
};

}  // namespace rmem
