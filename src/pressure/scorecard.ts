import type {
  AlarmKind,
  EvictionPolicy,
  ForecastModel,
  HorizonScore,
  ReliabilityBin,
} from "../native/pressure.js";
import { ALARM_KINDS, EVICTION_POLICIES } from "../native/pressure.js";
import type { Interval } from "../statistics/bootstrap.js";
import { Random } from "../statistics/random.js";
import { quantileOfSorted } from "../statistics/summary.js";
import type { SeriesBacktest } from "./backtest.js";

/** Shorter series are read and forecast, but prove nothing. */
export const LEAST_POOLED_S = 1800;
/** An origin whose usage moves by more than this share in a minute is one that moves: a rule from before any result. */
const MOVING_SHARE = 0.01;
const RESAMPLES = 1000;

/** How well one model forecast all series of an origin, each in units of its peak. */
export interface PooledHorizon {
  readonly horizonS: number;
  readonly samples: number;
  /** Mean absolute error over that of "no change", with its 95 % interval by a bootstrap over blocks of ten minutes. */
  readonly ratio: Interval;
  /** The same over the samples after which usage moved by more than a hundredth. */
  readonly movingRatio: number | null;
  readonly coverage: number;
  readonly movingCoverage: number | null;
  /** Of the interval, as a share of the peak. */
  readonly width: number;
  /** Pinball loss over that of "no change" with its quantiles as known by then, and as known afterwards. */
  readonly pinballRatio: number;
  readonly hindsightRatio: number;
}

export interface PooledAlarms {
  readonly kind: AlarmKind;
  /** Of how many times that memory ran out. */
  readonly outs: number;
  readonly caught: number;
  readonly trueAlarms: number;
  readonly falseAlarms: number;
  /** An hour in which nothing was about to happen. */
  readonly falseAlarmsPerHour: number;
  /** Of the true ones; null where there were none. */
  readonly leadS: { readonly p10: number; readonly p50: number; readonly p90: number } | null;
}

export interface PooledLoop {
  readonly policy: EvictionPolicy;
  readonly evictable: number;
  readonly outs: number;
  readonly prevented: number;
  /** In limits: 1 is as much as the limit is large. */
  readonly evicted: number;
  readonly needless: number;
  readonly refaulted: number;
}

/** All series of one origin together. */
export interface OriginScore {
  readonly origin: string;
  readonly series: number;
  readonly hours: number;
  readonly meanMoveShare: number;
  readonly moves: boolean;
  readonly models: readonly { readonly model: ForecastModel; readonly horizons: readonly PooledHorizon[] }[];
  readonly confidence: readonly ReliabilityBin[];
  /** Of the chance to reach a limit; null without limits. */
  readonly brier: number | null;
  readonly reliability: readonly ReliabilityBin[];
  readonly outs: number;
  /** Of those, how many anybody could have seen thirty seconds ahead. */
  readonly warnable: number;
  readonly alarms: readonly PooledAlarms[];
  readonly closedLoop: readonly PooledLoop[];
}

export interface Scorecard {
  readonly origins: readonly OriginScore[];
  /** All origins together; null where there is one only. */
  readonly all: OriginScore | null;
  readonly series: readonly SeriesBacktest[];
  /** Names of those that are too short to be pooled. */
  readonly short: readonly string[];
}

/** Pools series by origin: those of half an hour, or all where none is so long. */
export function scorecard(series: readonly SeriesBacktest[]): Scorecard {
  const long = series.filter(({ spanS }) => spanS >= LEAST_POOLED_S);
  // Where there is nothing better, what there is.
  const pooled = long.length > 0 ? long : series;
  const names = [...new Set(pooled.map(({ origin }) => origin))];
  const origins = names.map((origin) =>
    poolOrigin(
      origin,
      pooled.filter((each) => each.origin === origin),
    ),
  );
  return {
    origins,
    all: origins.length > 1 ? poolOrigin("all", pooled) : null,
    series,
    short: series.filter(({ spanS }) => spanS < LEAST_POOLED_S).map(({ name }) => name),
  };
}

function poolOrigin(origin: string, series: readonly SeriesBacktest[]): OriginScore {
  const sampled = sum(series, ({ samples }) => samples);
  const meanMoveShare = sum(series, (each) => each.meanMoveShare * each.samples) / sampled;
  const models = (series[0]?.models ?? []).map(({ model }, index) => ({
    model,
    horizons: [0, 1, 2].flatMap((horizon) => {
      const scores = series.flatMap((each) => {
        const score = each.models[index]?.horizons[horizon];
        // Of a series that uses nothing there is no unit, and no error.
        const counts = score !== undefined && score.samples > 0 && each.peakBytes > 0;
        return counts ? [{ score, peak: each.peakBytes }] : [];
      });
      return scores.length === 0 ? [] : [poolHorizon(scores)];
    }),
  }));
  const limits = series.flatMap((each) => each.limits);
  const brierSamples = sum(limits, (limit) => limit.brierSamples);
  const outs = limits.filter(({ outS }) => outS !== null);
  return {
    origin,
    series: series.length,
    hours: sum(series, ({ spanS }) => spanS) / 3600,
    meanMoveShare,
    moves: meanMoveShare > MOVING_SHARE,
    models,
    confidence: mergeBins(series.map(({ confidence }) => confidence)),
    brier: brierSamples === 0 ? null : sum(limits, ({ brier }) => brier) / brierSamples,
    reliability: mergeBins(limits.map(({ reliability }) => reliability)),
    outs: outs.length,
    warnable: outs.filter(({ warnable }) => warnable).length,
    alarms: limits.length === 0 ? [] : ALARM_KINDS.map((kind) => poolAlarms(kind, series)),
    closedLoop: poolLoops(series),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

interface Weighed {
  readonly score: HorizonScore;
  readonly peak: number;
}

function poolHorizon(scores: readonly Weighed[]): PooledHorizon {
  const of = (value: (score: HorizonScore) => number): number =>
    sum(scores, ({ score, peak }) => value(score) / peak);
  const count = (value: (score: HorizonScore) => number): number => sum(scores, ({ score }) => value(score));
  const samples = count((score) => score.samples);
  const movingSamples = count((score) => score.movingSamples);
  return {
    horizonS: scores[0]?.score.horizonS ?? 0,
    samples,
    ratio: blockRatio(scores),
    movingRatio:
      movingSamples === 0
        ? null
        : of((score) => score.movingError) / of((score) => score.movingPersistenceError),
    coverage: count((score) => score.covered) / samples,
    movingCoverage: movingSamples === 0 ? null : count((score) => score.movingCovered) / movingSamples,
    width: of((score) => score.width) / samples,
    pinballRatio: quotient(
      of((score) => score.pinball),
      of((score) => score.persistencePinball),
    ),
    hindsightRatio: quotient(
      of((score) => score.pinball),
      of((score) => score.hindsightPinball),
    ),
  };
}

/** 1 of nothing over nothing: where nothing moves all forecasts are the same. */
const quotient = (part: number, whole: number): number => (part === 0 && whole === 0 ? 1 : part / whole);

/** Errors depend on those before them: blocks of ten minutes are drawn again, not samples (Künsch, Ann. Stat. 17, 1989). */
function blockRatio(scores: readonly Weighed[]): Interval {
  const errors: number[] = [];
  const bars: number[] = [];
  for (const { score, peak } of scores) {
    for (let at = 0; at + 1 < score.blocks.length; at += 2) {
      errors.push((score.blocks[at] as number) / peak);
      bars.push((score.blocks[at + 1] as number) / peak);
    }
  }
  const estimate = quotient(
    errors.reduce((a, b) => a + b, 0),
    bars.reduce((a, b) => a + b, 0),
  );
  if (errors.length < 2) return { estimate, low: Number.NaN, high: Number.NaN };
  const random = new Random(1);
  const ratios = Float64Array.from({ length: RESAMPLES }, () => {
    let error = 0;
    let bar = 0;
    for (let draw = 0; draw < errors.length; draw += 1) {
      const at = random.below(errors.length);
      error += errors[at] as number;
      bar += bars[at] as number;
    }
    return quotient(error, bar);
  }).sort();
  return { estimate, low: quantileOfSorted(ratios, 0.025), high: quantileOfSorted(ratios, 0.975) };
}

function mergeBins(all: readonly (readonly ReliabilityBin[])[]): ReliabilityBin[] {
  const merged = (all[0] ?? []).map(() => ({ samples: 0, chance: 0, cameTrue: 0 }));
  for (const bins of all) {
    for (const [index, bin] of bins.entries()) {
      const into = merged[index];
      if (into === undefined) continue;
      into.samples += bin.samples;
      into.chance += bin.chance;
      into.cameTrue += bin.cameTrue;
    }
  }
  return merged;
}

function poolAlarms(kind: AlarmKind, series: readonly SeriesBacktest[]): PooledAlarms {
  const limits = series.flatMap((each) => each.limits);
  const scores = limits.map(({ alarms }) => alarms[kind]);
  const leads = scores.flatMap(({ leadS }) => (leadS === null ? [] : [leadS])).sort((a, b) => a - b);
  const falseAlarms = sum(scores, (score) => score.falseAlarms);
  const hours = sum(limits, ({ benignS }) => benignS) / 3600;
  return {
    kind,
    outs: limits.filter(({ outS }) => outS !== null).length,
    caught: scores.filter(({ caught }) => caught).length,
    trueAlarms: sum(scores, (score) => score.trueAlarms),
    falseAlarms,
    falseAlarmsPerHour: falseAlarms === 0 ? 0 : falseAlarms / hours,
    leadS:
      leads.length === 0
        ? null
        : {
            p10: quantileOfSorted(leads, 0.1),
            p50: quantileOfSorted(leads, 0.5),
            p90: quantileOfSorted(leads, 0.9),
          },
  };
}

function poolLoops(series: readonly SeriesBacktest[]): PooledLoop[] {
  const runs = series.flatMap((each) =>
    each.closedLoop.map((loop) => ({ ...loop, unit: loop.limitBytes ?? each.totalBytes ?? each.peakBytes })),
  );
  const shares = [...new Set(runs.map(({ evictable }) => evictable))];
  return shares.flatMap((evictable) =>
    EVICTION_POLICIES.map((policy) => {
      const mine = runs.filter((run) => run.policy === policy && run.evictable === evictable);
      return {
        policy,
        evictable,
        outs: mine.filter(({ outWithoutS }) => outWithoutS !== null).length,
        prevented: mine.filter(({ outWithoutS, outS }) => outWithoutS !== null && outS === null).length,
        evicted: sum(mine, (run) => run.evictedBytes / run.unit),
        needless: sum(mine, (run) => run.needlessBytes / run.unit),
        refaulted: sum(mine, (run) => run.refaultedBytes / run.unit),
      };
    }),
  );
}
