/** The value below which a share `p` of the sorted values lies, between neighbours linearly (type 7). */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = p * (sorted.length - 1);
  const index = Math.floor(position);
  const low = sorted[index] as number;
  const high = sorted[index + 1] ?? low;
  const share = position - index;
  // Between an infinity and a number there is nothing in between: the nearer of the two, the number in the middle.
  if (!Number.isFinite(high - low))
    return share < 0.5 || (share === 0.5 && Number.isFinite(low)) ? low : high;
  return low + share * (high - low);
}

/** NaN of no values. */
export function median(values: ArrayLike<number>): number {
  return quantileOfSorted(Float64Array.from(values).sort(), 0.5);
}

/** NaN of no values. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample (n − 1). NaN of fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly standardDeviation: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    min: quantileOfSorted(sorted, 0),
    median: quantileOfSorted(sorted, 0.5),
    max: quantileOfSorted(sorted, 1),
    standardDeviation: standardDeviation(values),
  };
}
