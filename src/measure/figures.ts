import { comparePairs, type Pair, type RatioInterval } from "../statistics/comparison.js";
import { median } from "../statistics/summary.js";
import type { Round } from "./measurement.js";

/** The figures of a round that can be compared, in ns a pass. */
export type TimeMetric = "warm" | "cold" | "cpu";

/** One figure of one round. Of several warm passes the median: one disturbed pass does not move it. */
function roundTimeNs(round: Round, metric: TimeMetric): number {
  switch (metric) {
    case "cold":
      return round.coldNs;
    case "warm":
      return median(round.warmNs);
    case "cpu":
      return median(round.warmCpuNs);
  }
}

function byNumber(rounds: readonly Round[]): Map<number, Round> {
  return new Map(rounds.filter((round) => round.valid).map((round) => [round.round, round]));
}

/** A row and the baseline in the same rounds; with `loop` given, its time in the same round is taken off both. */
export function pairsOf(
  rounds: readonly Round[],
  baseline: readonly Round[],
  metric: TimeMetric,
  loop?: readonly Round[],
): Pair[] {
  const bases = byNumber(baseline);
  const loops = loop === undefined ? undefined : byNumber(loop);
  const pairs: Pair[] = [];
  for (const round of byNumber(rounds).values()) {
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
  for (const round of byNumber(rounds).values()) {
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
