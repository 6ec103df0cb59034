import { comparePairs, type Pair, type RatioInterval } from "../statistics/comparison.js";
import { median, quantileOfSorted } from "../statistics/summary.js";
import type { Round } from "./measurement.js";

/** The figures of a round that can be compared, in ns a pass. */
export type TimeMetric = "warm" | "cold" | "cpu";

/** A probe this much slower than the fastest one says that the CPU was shared, throttled or taken away. */
const SLOWED = 1.15;

/** Fewer undisturbed passes than this share of all do not stand for the round. */
const ENOUGH = 0.25;

function atFullSpeed(round: Round, passes: readonly number[]): number[] {
  const { warmProbeNs, fastestProbeNs } = round;
  if (warmProbeNs === undefined || fastestProbeNs === undefined) return [...passes];
  return passes.filter((_, index) => (warmProbeNs[index] ?? 0) <= fastestProbeNs * SLOWED);
}

/** Whether somebody else used the CPU in so many of its warm passes that the round says little. */
export function isDisturbed(round: Round): boolean {
  return atFullSpeed(round, round.warmNs).length < round.warmNs.length * ENOUGH;
}

/**
 * Of the warm passes the median of those at full speed, by probes of the CPU before and after each: what is left out is
 * left out for what the machine did, not for what the allocator did. Of a disturbed round the lower quartile of all,
 * since what disturbs only ever adds.
 */
function ofPasses(round: Round, passes: readonly number[]): number {
  if (isDisturbed(round)) return quantileOfSorted(Float64Array.from(passes).sort(), ENOUGH);
  return median(atFullSpeed(round, passes));
}

/** One figure of one round. */
function roundTimeNs(round: Round, metric: TimeMetric): number {
  switch (metric) {
    case "cold":
      return round.coldNs;
    case "warm":
      return ofPasses(round, round.warmNs);
    case "cpu":
      return ofPasses(round, round.warmCpuNs);
  }
}

function byNumber(rounds: readonly Round[]): Map<number, Round> {
  return new Map(rounds.map((round) => [round.round, round]));
}

const valid = (rounds: readonly Round[]): Round[] => rounds.filter((round) => round.valid);

/**
 * A row and the baseline in the same rounds; with `loop` given, its time in the same round is taken off both. The loop
 * keeps no block, so whether its threads ran apart does not matter.
 */
export function pairsOf(
  rounds: readonly Round[],
  baseline: readonly Round[],
  metric: TimeMetric,
  loop?: readonly Round[],
): Pair[] {
  const bases = byNumber(valid(baseline));
  const loops = loop === undefined ? undefined : byNumber(loop);
  const pairs: Pair[] = [];
  for (const round of valid(rounds)) {
    const base = bases.get(round.round);
    const bare = loops?.get(round.round);
    if (base === undefined || (loops !== undefined && bare === undefined)) continue;
    const own = bare === undefined ? 0 : roundTimeNs(bare, metric);
    pairs.push({ value: roundTimeNs(round, metric) - own, baseline: roundTimeNs(base, metric) - own });
  }
  return pairs;
}

/** Median over the valid rounds, less the loop's of the same rounds; undefined without a valid round. */
export function timeNs(
  rounds: readonly Round[],
  metric: TimeMetric,
  loop?: readonly Round[],
): number | undefined {
  const loops = loop === undefined ? undefined : byNumber(loop);
  const times: number[] = [];
  for (const round of valid(rounds)) {
    const bare = loops?.get(round.round);
    if (loops !== undefined && bare === undefined) continue;
    times.push(roundTimeNs(round, metric) - (bare === undefined ? 0 : roundTimeNs(bare, metric)));
  }
  return times.length === 0 ? undefined : median(times);
}

/** The ratio by which rows are judged while rounds go on: warm, net. */
export function warmRatio(
  rounds: readonly Round[],
  baseline: readonly Round[],
  loop: readonly Round[],
  seed: number,
): RatioInterval | undefined {
  return comparePairs(pairsOf(rounds, baseline, "warm", loop), seed);
}
