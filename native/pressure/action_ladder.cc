#include "pressure/action_ladder.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rmem {
namespace {

constexpr int kAlarm = static_cast<int>(PressureLevel::kCritical);
constexpr int kEmergency = static_cast<int>(PressureLevel::kEmergency);
/** Thresholds move so far at most. */
constexpr double kFarthest = 0.10;
/** By how much a false alarm moves them. */
constexpr double kFalseAlarmStep = 0.01;
/** An alarm that usage never came so near to was false. */
constexpr double kNearLimit = 0.97;

int Number(PressureLevel level) {
  return static_cast<int>(level);
}

}  // namespace

bool ActionLadder::DueByUsage(int level, double usage, double chance) const {
  if (usage < thresholds_[static_cast<std::size_t>(level - 1)]) return false;
  const bool certain = level == Number(PressureLevel::kWarning) || level == kEmergency || !policy_.predictive;
  // Where nobody knows the chance, usage is all there is.
  return certain || std::isnan(chance) || chance >= policy_.leastChance;
}

PressureLevel ActionLadder::Observe(double timeS, double usage, double chance) {
  if (!begun_ || timeS < lastS_) {
    begun_ = true;
    leftS_.fill(-std::numeric_limits<double>::infinity());
    inARow_.fill(0);
    calm_ = false;
    lastS_ = timeS;
  }
  const double elapsedS = timeS - lastS_;
  lastS_ = timeS;
  highestSinceAlarm_ = std::max(highestSinceAlarm_, usage);
  bool falseAlarm = false;

  int entered = 0;
  for (int level = 1; level <= kLevels; ++level) {
    const bool cooling = level < kEmergency && timeS - leftS_[level - 1] < policy_.cooldownS;
    const bool due = DueByUsage(level, usage, chance) || (DueByChance(level, chance) && !cooling);
    inARow_[level - 1] = due ? inARow_[level - 1] + 1 : 0;
    const bool atOnce = level == kEmergency && DueByUsage(level, usage, chance);
    if (inARow_[level - 1] >= policy_.samplesToEnter || atOnce) entered = level;
  }
  due_ = static_cast<PressureLevel>(entered);
  const int now = Number(level_);
  if (entered > now) {
    if (now < kAlarm && entered >= kAlarm) highestSinceAlarm_ = usage;
    level_ = static_cast<PressureLevel>(entered);
    calm_ = false;
  } else if (now > 0) {
    // Where the chance is too small for usage to count over the threshold, it does not hold the level below
    // it.
    const bool low = usage < thresholds_[now - 1] - policy_.leaveBelow ||
                     !DueByUsage(now, std::max(usage, thresholds_[now - 1]), 2 * chance);
    const bool calm = low && !(policy_.predictive && chance >= policy_.chances[now - 1] / 2);
    if (!calm) {
      calm_ = false;
    } else if (!calm_) {
      calm_ = true;
      calmSinceS_ = timeS;
    } else if (timeS - calmSinceS_ >= policy_.leaveAfterS) {
      leftS_[now - 1] = timeS;
      level_ = static_cast<PressureLevel>(now - 1);
      calm_ = false;
      falseAlarm = now == kAlarm && highestSinceAlarm_ < kNearLimit;
    }
  }
  if (policy_.falseAlarmsPerHour >= 0) MoveThresholds(elapsedS, falseAlarm);
  Explain(usage, chance);
  return level_;
}

void ActionLadder::MoveThresholds(double elapsedS, bool falseAlarm) {
  // As many steps up as alarms were false, as many down as were allowed in the time (Robbins and Monro).
  moved_ += kFalseAlarmStep * ((falseAlarm ? 1 : 0) - policy_.falseAlarmsPerHour * elapsedS / 3600);
  moved_ = std::clamp(moved_, -kFarthest, kFarthest);
  for (int at = 0; at < kLevels - 1; ++at) {
    // Never past the last, which stands.
    const double most = policy_.thresholds[kLevels - 1] - 0.005 * (kLevels - 1 - at);
    thresholds_[at] = std::min(policy_.thresholds[at] + moved_, most);
  }
}

void ActionLadder::Explain(double usage, double chance) {
  const int level = Number(level_);
  reason_ = LevelReason::kNone;
  reasonValue_ = reasonThreshold_ = 0;
  if (level == 0) return;
  if (DueByUsage(level, usage, chance)) {
    reason_ = LevelReason::kUsage;
    reasonThreshold_ = thresholds_[level - 1];
    reasonValue_ = usage;
  } else if (DueByChance(level, chance)) {
    reason_ = LevelReason::kChance;
    reasonThreshold_ = policy_.chances[level - 1];
    reasonValue_ = chance;
  } else {
    reason_ = LevelReason::kHeld;
    reasonThreshold_ = thresholds_[level - 1] - policy_.leaveBelow;
    reasonValue_ = usage;
  }
}

}  // namespace rmem
