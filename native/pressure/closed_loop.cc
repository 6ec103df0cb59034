#include "pressure/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "pressure/monitor.h"

namespace rmem {
namespace {

constexpr double kNeedfulS = 600;
constexpr double kHysteresis = 0.05;
constexpr double kEmergencyUsage = 0.95;

/** What a level asks for now takes effect some time later. */
class Delay {
 public:
  explicit Delay(double latencyS) : latencyS_(latencyS) {}

  int Now(double timeS, int asked) {
    if (waiting_.empty() || waiting_.back().level != asked) waiting_.push_back({timeS + latencyS_, asked});
    while (!waiting_.empty() && waiting_.front().fromS <= timeS) {
      level_ = waiting_.front().level;
      if (waiting_.size() == 1) break;
      waiting_.pop_front();
    }
    return level_;
  }

 private:
  struct Asked {
    double fromS;
    int level;
  };
  double latencyS_;
  std::deque<Asked> waiting_;
  int level_ = 0;
};

/** For each sample, whether the limit is reached within ten minutes where nothing is evicted. */
std::vector<bool> NeedfulSamples(const SeriesView& series, double limitBytes) {
  std::vector<bool> needful(series.size());
  double reachedS = std::numeric_limits<double>::infinity();
  for (std::size_t at = series.size(); at-- > 0;) {
    const double limit = LimitAt(series.At(at), limitBytes);
    if (series.usedBytes[at] >= limit && limit > 0) reachedS = series.timeS[at];
    needful[at] = reachedS - series.timeS[at] <= kNeedfulS;
  }
  return needful;
}

/** One run of one policy. */
class Run {
 public:
  Run(const SeriesView& series, const std::vector<bool>& needful, const ClosedLoopOptions& options,
      const EvictionModel& model)
      : series_(series), needful_(needful), options_(options), model_(model) {}

  void Play(ClosedLoopResult* result, const StopFlag& stop) {
    Monitor monitor({options_.model, result->limitBytes, options_.policy});
    Delay delay(model_.latencyS);
    double reclaimed = 0;
    int standing = 0;
    for (std::size_t at = 0; at < series_.size(); ++at) {
      if ((at & 0xffff) == 0 && stop.load(std::memory_order_relaxed)) return;
      PressureSample sample = series_.At(at);
      const double limit = LimitAt(sample, result->limitBytes);
      if (!(limit > 0)) continue;  // nobody knows it now, as RunsOutAtS has it
      const double elapsed =
          at == 0 ? 0 : std::clamp(sample.timeS - series_.timeS[at - 1], 0.0, kLongestElapsedS);
      const double back = reclaimed * -std::expm1(-elapsed * model_.refaultPerS);
      result->refaultedBytes += back;
      reclaimed -= back;
      const int working = delay.Now(sample.timeS, standing);
      if (working > 0) {
        const double most = model_.evictable * sample.usedBytes - reclaimed;
        const double rate = model_.ratePerS[static_cast<std::size_t>(working - 1)];
        const double evicted = std::clamp(rate * limit * elapsed, 0.0, std::max(0.0, most));
        reclaimed += evicted;
        result->evictedBytes += evicted;
        // Behind the time when memory would have run out only those are left who prevented it.
        const bool past = sample.timeS > result->outWithoutS;
        if (!needful_[at] && !past) result->needlessBytes += evicted;
      }
      // A cache that shrinks by itself had less to give.
      reclaimed = std::min(reclaimed, model_.evictable * sample.usedBytes);
      sample.usedBytes -= reclaimed;
      if (sample.usedBytes >= limit) {
        result->outS = sample.timeS;
        return;
      }
      standing = Asked(result->policy, sample, limit, needful_[at], standing, &monitor);
    }
  }

 private:
  static constexpr double kLongestElapsedS = 30;

  static int Asked(EvictionPolicy policy, const PressureSample& sample, double limit, bool needful,
                   int standing, Monitor* monitor) {
    const double usage = sample.usedBytes / limit;
    double from = 0;
    switch (policy) {
      case EvictionPolicy::kPolicy:
        monitor->Observe(sample);
        return static_cast<int>(monitor->ladder().due());
      case EvictionPolicy::kOracle:
        return needful ? static_cast<int>(PressureLevel::kEmergency) : 0;
      case EvictionPolicy::kStatic80:
        from = 0.80;
        break;
      case EvictionPolicy::kStatic90:
        from = 0.90;
        break;
      case EvictionPolicy::kStatic95:
        from = 0.95;
        break;
    }
    if (usage >= std::max(from, kEmergencyUsage)) return static_cast<int>(PressureLevel::kEmergency);
    const bool on = usage >= from || (standing > 0 && usage >= from - kHysteresis);
    return on ? static_cast<int>(PressureLevel::kCritical) : 0;
  }

  const SeriesView& series_;
  const std::vector<bool>& needful_;
  const ClosedLoopOptions& options_;
  EvictionModel model_;
};

}  // namespace

std::vector<ClosedLoopResult> ClosedLoop(const SeriesView& series, const ClosedLoopOptions& options,
                                         const StopFlag& stop) {
  std::vector<ClosedLoopResult> results;
  for (const double limit : options.limits) {
    const std::vector<bool> needful = NeedfulSamples(series, limit);
    const double outWithoutS = RunsOutAtS(series, limit);
    for (const double evictable : options.evictable) {
      EvictionModel model;
      model.evictable = evictable;
      Run run(series, needful, options, model);
      for (int policy = 0; policy < kEvictionPolicies; ++policy) {
        ClosedLoopResult result;
        result.limitBytes = limit;
        result.evictable = evictable;
        result.policy = static_cast<EvictionPolicy>(policy);
        result.outWithoutS = outWithoutS;
        run.Play(&result, stop);
        results.push_back(result);
      }
    }
  }
  return results;
}

}  // namespace rmem
