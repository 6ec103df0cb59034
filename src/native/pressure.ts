/** What the native forecaster takes and gives. */

/** Models of the forecaster, by the names of its option (native/pressure/model.h). */
export const FORECAST_MODELS = ["adaptive", "persistence", "linear", "holt", "theil-sen"] as const;
export type ForecastModel = (typeof FORECAST_MODELS)[number];

/** Alarm levels from calm on; each has the usage threshold of the same place less one, and one action. */
export const PRESSURE_LEVELS = ["normal", "warning", "high", "critical", "emergency"] as const;
export type PressureLevel = (typeof PRESSURE_LEVELS)[number];

export const PRESSURE_ACTIONS = [
  "none",
  "monitor",
  "gentle-eviction",
  "aggressive-eviction",
  "emergency-cleanup",
] as const;
export type PressureAction = (typeof PRESSURE_ACTIONS)[number];

export const USAGE_TRENDS = ["decreasing", "stable", "increasing", "critical"] as const;
export type UsageTrend = (typeof USAGE_TRENDS)[number];

/** When which action is due (native/pressure/policy.h). What is left out has the default. Shares are of the limit. */
export interface PressurePolicy {
  /** Usage at which warning, high, critical and emergency begin; increasing. Default 0.7, 0.8, 0.9, 0.95. */
  readonly thresholds?: readonly number[];
  /** Look ahead at all; false: by usage alone, as static alarms do. */
  readonly predictive?: boolean;
  /** Chance of reaching the limit within `aheadS` from which each level is due before its usage is; increasing. */
  readonly chances?: readonly number[];
  /** 30, 60 or 120. */
  readonly aheadS?: number;
  /** High and critical are due by usage only from this chance on; 0: by usage alone. */
  readonly leastChance?: number;
  /** Thresholds move by up to 0.1 to hold so many false alarms an hour; the last one never moves. */
  readonly falseAlarmsPerHour?: number | null;
  readonly samplesToEnter?: number;
  readonly leaveBelow?: number;
  readonly leaveAfterS?: number;
  readonly cooldownS?: number;
}

export interface PressureOptions {
  readonly model: ForecastModel;
  /** Of all samples; left out: the total of each sample. Without either there are forecasts, but no levels. */
  readonly limitBytes?: number;
  readonly policy?: PressurePolicy;
}

/** Usage after `horizonS`. */
export interface HorizonForecast {
  readonly horizonS: number;
  readonly usedBytes: number;
  /** The usage then is between these in nine cases of ten. */
  readonly lowBytes: number;
  readonly highBytes: number;
  /** The highest usage on the way is below this in nineteen cases of twenty. */
  readonly highestBytes: number;
  /** Chance that usage reaches the limit on the way; null without a limit. */
  readonly crossingChance: number | null;
  /** 1 − the mean absolute error over that of "no change", lately; null before anything can be compared. At or below 0: no better. */
  readonly skill: number | null;
}

/** What the forecaster makes of the samples so far. */
export interface PressureState {
  readonly timeS: number;
  readonly usedBytes: number;
  /** Null without one. */
  readonly limitBytes: number | null;
  /** Empty before there are enough samples. */
  readonly horizons: readonly HorizonForecast[];
  readonly trend: UsageTrend;
  /** Bytes a second, over the last minute. */
  readonly slopeBytesPerS: number;
  /** When usage reaches the critical threshold, in seconds from now: null where it is not heading there. */
  readonly timeToCritical: { readonly earliestS: number; readonly latestS: number | null } | null;
  /** Chance that the forecast of 60 s is off by less than one hundredth of the limit (of usage, without one); null at first. */
  readonly confidence: number | null;
  readonly level: PressureLevel;
  readonly action: PressureAction;
  /** The level or the action is another than a sample ago. */
  readonly changed: boolean;
  /** What the level follows from: usage over a threshold, or the chance of reaching the limit; null where normal. */
  readonly reason: {
    readonly kind: "usage" | "chance" | "held";
    /** Share of the limit, or chance. */
    readonly value: number;
    readonly threshold: number;
  } | null;
  /** Thresholds in force, as they have moved. */
  readonly thresholds: readonly number[];
  /** What happened to the series with this sample. */
  readonly event: "none" | "gap" | "change" | "clock" | "total";
}

/**
 * The forecaster, a sample at a time (native/pressure/forecaster.h). Not known is NaN. Times in seconds; one that does not
 * increase is answered by `clock` and begins the windows anew. Allocated and freed bytes count up from any start.
 */
export interface PressureForecaster {
  observe(
    timeS: number,
    usedBytes: number,
    totalBytes: number,
    swapBytes: number,
    psiPercent: number,
    allocatedBytes: number,
    freedBytes: number,
  ): PressureState;
}

/** Sums over the scored samples of a series for one horizon, in bytes (native/pressure/backtest.h). */
export interface HorizonScore {
  readonly horizonS: number;
  readonly samples: number;
  readonly error: number;
  readonly persistenceError: number;
  readonly covered: number;
  readonly width: number;
  readonly pinball: number;
  /** Of "no change" with the quantiles of its errors so far, and with those of the whole series. */
  readonly persistencePinball: number;
  readonly hindsightPinball: number;
  readonly movingSamples: number;
  readonly movingError: number;
  readonly movingPersistenceError: number;
  readonly movingCovered: number;
  /** error and persistenceError of ten minutes each, one behind the other. */
  readonly blocks: Float64Array;
}

/** Forecasts of about one chance; `chance` is their sum. */
export interface ReliabilityBin {
  readonly samples: number;
  readonly chance: number;
  readonly cameTrue: number;
}

export interface Alarm {
  readonly beginS: number;
  readonly endS: number;
  /** As it began: share of the limit, and the chance to reach it. */
  readonly usage: number;
  readonly chance: number;
  /** By the chance, before usage was there. */
  readonly ahead: boolean;
  /** The limit was reached 30 to 600 s after it began, and it still stood then. */
  readonly true: boolean;
}

export interface AlarmScore {
  readonly alarms: readonly Alarm[];
  readonly trueAlarms: number;
  readonly falseAlarms: number;
  readonly caught: boolean;
  readonly leadS: number | null;
}

export const ALARM_KINDS = ["policy", "static80", "static90", "static95"] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** What happened under one limit. */
export interface LimitScore {
  /** Null: the total of each sample. */
  readonly limitBytes: number | null;
  /** When the limit was first reached; null: never. */
  readonly outS: number | null;
  readonly warnable: boolean;
  readonly benignS: number;
  readonly brier: number;
  readonly brierSamples: number;
  readonly reliability: readonly ReliabilityBin[];
  readonly alarms: Readonly<Record<AlarmKind, AlarmScore>>;
}

export const EVICTION_POLICIES = ["policy", "static80", "static90", "static95", "oracle"] as const;
export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

/** What evicting by a policy would have done (native/pressure/closed_loop.h). */
export interface ClosedLoopResult {
  readonly limitBytes: number | null;
  /** Share of usage that could be evicted. */
  readonly evictable: number;
  readonly policy: EvictionPolicy;
  readonly outWithoutS: number | null;
  readonly outS: number | null;
  readonly evictedBytes: number;
  readonly needlessBytes: number;
  readonly refaultedBytes: number;
}

export interface SeriesScore {
  readonly samples: number;
  readonly spanS: number;
  readonly typicalStepS: number;
  readonly highestBytes: number;
  readonly gaps: number;
  readonly changes: number;
  /** Mean |usage a minute later − usage|, as a share of the whole. */
  readonly meanMoveShare: number;
  readonly horizons: readonly HorizonScore[];
  readonly confidence: readonly ReliabilityBin[];
  readonly limits: readonly LimitScore[];
  readonly closedLoop: readonly ClosedLoopResult[];
}

export interface NativeBacktestOptions extends PressureOptions {
  /** Null in it: the total of each sample. */
  readonly limits: readonly (number | null)[];
  /** Shares of usage that can be evicted; left out: no closed loop. */
  readonly evictable?: readonly number[];
}

/** The columns of a series, all of one length. Not known is NaN. */
export interface SeriesColumns {
  /** Seconds since the first reading; increasing. */
  readonly timeS: Float64Array;
  readonly usedBytes: Float64Array;
  /** What there is of it in all: NaN where the source does not say. */
  readonly totalBytes: Float64Array;
  readonly swapBytes: Float64Array;
  /** Memory pressure, `some avg10`, in percent. */
  readonly psiPercent: Float64Array;
  /** All that was allocated and freed so far, from any start. */
  readonly allocatedBytes: Float64Array;
  readonly freedBytes: Float64Array;
}

/** A backtest at work on a thread of its own; after `stop` it is rejected soon. */
export type RunningBacktest = Promise<SeriesScore> & { stop(): void };
