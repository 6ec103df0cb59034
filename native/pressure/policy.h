#pragma once

#include <array>

namespace rmem {

/** How serious it is. Each level but the first has its action: monitor, gentle and aggressive eviction,
 * emergency cleanup. */
enum class PressureLevel { kNormal, kWarning, kHigh, kCritical, kEmergency };
inline constexpr int kLevels = 4;  // that begin at a threshold

/** When which level is due. Shares are of the limit. */
struct PressurePolicy {
  /** Usage from which warning, high, critical and emergency are due; increasing. */
  std::array<double, kLevels> thresholds{0.70, 0.80, 0.90, 0.95};
  /** By usage alone, as static alarms do, where false. */
  bool predictive = true;
  /** The chance of reaching the limit within `aheadS` from which each level is due whatever usage is;
   * increasing. */
  std::array<double, kLevels> chances{0.20, 0.40, 0.50, 0.95};
  /** One of kHorizonS. */
  double aheadS = 60;
  /**
   * High and critical are due by usage only where the limit has at least this chance to be reached: a server
   * that stands at 91 % and does not move is in no danger. 0: by usage alone.
   */
  double leastChance = 0.10;
  /** Thresholds but the last move by up to a tenth to hold so many false alarms an hour; negative: they
   * stand. */
  double falseAlarmsPerHour = -1;
  /** Samples in a row that a level must be due; an emergency by usage is one at once. */
  int samplesToEnter = 2;
  /** A level is left when usage is so far below its threshold for so long, one level at a time. */
  double leaveBelow = 0.05;
  double leaveAfterS = 30;
  /** How long after it was left a level below emergency isn't entered again by chance alone. */
  double cooldownS = 60;
};

}  // namespace rmem
