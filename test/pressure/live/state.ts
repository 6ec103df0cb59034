import { PRESSURE_ACTIONS, PRESSURE_LEVELS, type PressureState } from "../../../src/native/pressure.js";

/** A state of the forecaster: level 0 is normal. */
export function stateAt(level: number, more: Partial<PressureState> = {}): PressureState {
  const usedBytes = 6e9 + level * 5e8;
  return {
    ...{ timeS: 0, usedBytes, limitBytes: 8e9, trend: "increasing", slopeBytesPerS: 1e6 },
    horizons: [30, 60, 120].map((horizonS) => ({
      ...{
        horizonS,
        usedBytes: usedBytes + horizonS * 1e6,
        lowBytes: usedBytes - 1e8,
        highBytes: usedBytes + 2e8,
      },
      ...{ highestBytes: usedBytes + 3e8, crossingChance: 0.12, skill: horizonS === 120 ? -0.1 : 0.25 },
    })),
    timeToCritical: { earliestS: 250, latestS: null },
    ...{ confidence: 0.8, changed: false, thresholds: [0.7, 0.8, 0.9, 0.95], event: "none" },
    level: PRESSURE_LEVELS[level] ?? "normal",
    action: PRESSURE_ACTIONS[level] ?? "none",
    reason: level === 0 ? null : { kind: "usage", value: 0.82, threshold: 0.8 },
    ...more,
  };
}
