#pragma once

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "pressure/series_view.h"

namespace rmem {

/** A made-up series, a sample a step. */
struct MadeSeries {
  std::vector<double> timeS;
  std::vector<double> usedBytes;

  void Add(double atS, double used) {
    timeS.push_back(atS);
    usedBytes.push_back(used);
  }

  SeriesView View() const {
    SeriesView view;
    view.timeS = timeS;
    view.usedBytes = usedBytes;
    return view;
  }
};

inline constexpr double kMib = 1024.0 * 1024;

/** `count` samples of `used(second)`. */
inline MadeSeries SeriesOf(int count, double stepS, const std::function<double(double)>& used) {
  MadeSeries series;
  for (int at = 0; at < count; ++at) series.Add(at * stepS, used(at * stepS));
  return series;
}

/** A walk whose steps are normal, from 4 GiB. */
inline MadeSeries RandomWalk(int count, double stepS, double stepBytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> step(0, stepBytes);
  double used = 4096 * kMib;
  MadeSeries series;
  for (int at = 0; at < count; ++at) {
    series.Add(at * stepS, used);
    used = std::max(0.0, used + step(random));
  }
  return series;
}

}  // namespace rmem
