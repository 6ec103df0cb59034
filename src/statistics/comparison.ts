import { bootstrapMedian } from "./bootstrap.js";
import { Random } from "./random.js";

/**
 * One round's figure of an allocator, and of the baseline in the same round. A net time may come out at or below
 * zero, where the loop was disturbed more than the allocator took.
 */
export interface Pair {
  readonly value: number;
  readonly baseline: number;
}

/** value / baseline. Ends are null where there were too few pairs for an interval. */
export interface RatioInterval {
  readonly median: number;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Logs of the ratios of the pairs. A side at or below zero puts its pair at the end of the line, −∞ or +∞, where it
 * counts for the median without a made-up size; a pair with both sides there says nothing and is left out.
 */
export function logRatios(pairs: readonly Pair[]): number[] {
  return pairs
    .map((pair) => Math.log(Math.max(0, pair.value) / Math.max(0, pair.baseline)))
    .filter((log) => !Number.isNaN(log));
}

/** Undefined where the estimate is no number: no pair, or most pairs without a positive side. */
function ratioOf(strata: readonly (readonly number[])[], seed: number): RatioInterval | undefined {
  if (strata.length === 0 || strata.some((logs) => logs.length === 0)) return undefined;
  const logs = bootstrapMedian(strata, new Random(seed));
  if (!Number.isFinite(logs.estimate)) return undefined;
  const end = (log: number): number | null => (Number.isNaN(log) || log === Infinity ? null : Math.exp(log));
  return { median: Math.exp(logs.estimate), low: end(logs.low), high: end(logs.high) };
}

/** Median of the log ratios of the pairs with its 95 % interval. */
export function comparePairs(pairs: readonly Pair[], seed: number): RatioInterval | undefined {
  return ratioOf([logRatios(pairs)], seed);
}

/** Geometric mean over traces of the ratios, each trace with its own pairs. */
export function geometricMean(traces: readonly (readonly Pair[])[], seed: number): RatioInterval | undefined {
  return ratioOf(traces.map(logRatios), seed);
}

/**
 * Whether the ratio may be called a difference: its interval leaves 1 out, and it is beyond the noise floor (a
 * relative difference that the baseline was seen to have against itself; null where that has no bound).
 */
export function isDifference(ratio: RatioInterval, noiseFloor: number | null = 0): boolean {
  if (ratio.low === null || ratio.high === null || noiseFloor === null) return false;
  if (ratio.low <= 1 && ratio.high >= 1) return false;
  return Math.abs(Math.log(ratio.median)) > Math.log1p(noiseFloor);
}

/** A difference of memory below this is none: memory rounds are the same twice within 1 %. */
export const MEMORY_TOLERANCE = 0.01;

/**
 * One ratio over another that was taken independently, each against its own baseline: on a log scale the halves of the
 * two intervals are added in quadrature. No ends where one of the two has none, or one at 0.
 */
export function ratioOfRatios(current: RatioInterval, reference: RatioInterval): RatioInterval {
  const median = current.median / reference.median;
  const above = ({ median, high }: RatioInterval): number => Math.log((high ?? Number.NaN) / median);
  const below = ({ median, low }: RatioInterval): number => Math.log(median / (low ?? Number.NaN));
  const end = (sign: 1 | -1, own: number, other: number): number | null => {
    const half = Math.hypot(own, other);
    return Number.isFinite(half) ? median * Math.exp(sign * half) : null;
  };
  return {
    median,
    low: end(-1, below(current), above(reference)),
    high: end(1, above(current), below(reference)),
  };
}

/**
 * How far from 1 the baseline was seen against itself, its interval included: 0.02 is 2 %. Null where the interval has
 * an end that is no number: then anything may be noise.
 */
export function noiseFloorOf({ median, low, high }: RatioInterval): number | null {
  if (low === null || high === null || low === 0) return null;
  return Math.expm1(Math.max(...[median, low, high].map((value) => Math.abs(Math.log(value)))));
}

/** Width of the interval relative to its ratio: what `--until` brings down. Infinite where there is no interval. */
export function relativeWidth(ratio: RatioInterval): number {
  if (ratio.low === null || ratio.high === null) return Number.POSITIVE_INFINITY;
  return (ratio.high - ratio.low) / ratio.median;
}
