import type { Interval } from "./bootstrap.js";
import type { Random } from "./random.js";
import { median, quantileOfSorted } from "./summary.js";

/** Ranks from 1, the smallest first; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] as number) - (values[b] as number));
  const result = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] as number] === values[order[from] as number])
      to += 1;
    for (let i = from; i <= to; i += 1) result[order[i] as number] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return result;
}

/** Pearson's correlation; NaN where one side does not vary. */
function correlation(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  let [xy, xx, yy] = [0, 0, 0];
  for (const [i, x] of xs.entries()) {
    const [dx, dy] = [x - meanX, (ys[i] as number) - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}

/**
 * Spearman's rank correlation of two figures of the same things, from −1 (the reverse order) to 1 (the same order);
 * ties by mean ranks (Spearman 1904; Kendall and Gibbons, "Rank Correlation Methods"). NaN of fewer than two things,
 * and where all ranks of one side are the same.
 */
export function spearman(xs: readonly number[], ys: readonly number[]): number {
  if (xs.length !== ys.length) throw new RangeError(`${xs.length} values beside ${ys.length}`);
  return correlation(ranks(xs), ranks(ys));
}

const RESAMPLES = 2000;

/**
 * Spearman's correlation of the medians of `rounds` (a row a round, in it a figure of each thing) with `other` (one
 * figure of each), with a 95 % percentile interval of drawing rounds again, where medians without any order count as 0.
 * NaN ends of fewer than two rounds.
 */
export function spearmanOfMedians(
  rounds: readonly (readonly number[])[],
  other: readonly number[],
  random: Random,
): Interval {
  const ofRows = (rows: readonly (readonly number[])[]): number =>
    spearman(
      other.map((_, thing) => median(rows.map((row) => row[thing] as number))),
      other,
    );
  const estimate = ofRows(rounds);
  if (rounds.length < 2) return { estimate, low: Number.NaN, high: Number.NaN };
  const drawn = Array.from({ length: RESAMPLES }, () =>
    ofRows(rounds.map(() => rounds[random.below(rounds.length)] as readonly number[])),
  )
    .map((value) => (Number.isNaN(value) ? 0 : value))
    .sort((a, b) => a - b);
  return { estimate, low: quantileOfSorted(drawn, 0.025), high: quantileOfSorted(drawn, 0.975) };
}
