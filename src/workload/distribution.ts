/**
 * Distributions as tables for the native generator (native/trace/distribution.h): bins of equally likely whole numbers,
 * with the rows of Walker's alias method (Vose 1991).
 */
import type { DistributionSpec, Shape } from "./shape.js";

/** Unit, then low, width, threshold and alias of each bin. */
export type DistributionRow = readonly number[];

interface Bin {
  readonly low: number;
  readonly width: number;
  readonly weight: number;
}

// So many bins keep the mean and the variance of the shapes here within a thousandth.
const BINS = 400;
// Zipf's first ranks have bins of their own.
const EXACT_RANKS = 64;

/** Of the standard normal distribution; W. J. Cody's kind of accuracy is not needed: relative error below 1.2e-7. */
function normalBelow(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * z);
  // The Chebyshev fit of erfc from Numerical Recipes, 6.2.
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
    1.00002368, -1.26551223,
  ];
  const erfc = t * Math.exp(-z * z + coefficients.reduce((sum, each) => sum * t + each, 0));
  return x > 0 ? 1 - erfc / 2 : erfc / 2;
}

/** The share of values below x. */
function below(shape: Shape, x: number): number {
  switch (shape.kind) {
    case "uniform":
      return x;
    case "loguniform":
      return Math.log(Math.max(x, 0.5));
    case "lognormal":
      return x <= 0 ? 0 : normalBelow(Math.log(x / shape.median) / shape.sigma);
    case "exponential":
      return -Math.exp(-Math.max(x, 0) / shape.mean);
    case "zipf": {
      const power = 1 - shape.exponent;
      return Math.abs(power) < 1e-9 ? Math.log(x) : x ** power / power;
    }
    default:
      throw new Error(`${shape.kind} has bins of its own`);
  }
}

/** Edges from low to high + 1, evenly spaced as logarithms, no two the same. */
function edges(low: number, high: number): number[] {
  const found = [low];
  const ratio = ((high + 1) / Math.max(low, 1)) ** (1 / BINS);
  for (let edge = low; edge <= high; ) {
    edge = Math.min(Math.max(edge + 1, Math.round(edge * ratio)), high + 1);
    found.push(edge);
  }
  return found;
}

/** The bins of a shape in multiples of `step`. */
function binsOf({ shape, step }: DistributionSpec): Bin[] {
  const up = (value: number): number => Math.ceil(value / step);
  switch (shape.kind) {
    case "constant":
      return [{ low: up(shape.value), width: 1, weight: 1 }];
    case "empirical":
      return shape.bins.map(([from, to, weight]) => ({
        low: up(from),
        width: up(to) - up(from) + 1,
        weight,
      }));
    case "uniform":
      return [{ low: up(shape.min), width: Math.max(up(shape.max) - up(shape.min), 0) + 1, weight: 1 }];
  }
  const low = up(shape.min);
  const high = Math.max(low, Math.floor(shape.max / step));
  const bins: Bin[] = [];
  const at = edges(low, high);
  for (let i = 0; i + 1 < at.length; i += 1) {
    const from = at[i] ?? low;
    const to = at[i + 1] ?? high;
    const exact = shape.kind === "zipf" && from <= EXACT_RANKS && to - from === 1;
    const weight = exact
      ? (from * step) ** -shape.exponent * step
      : below(shape, (to - 0.5) * step) - below(shape, (from - 0.5) * step);
    bins.push({ low: from, width: to - from, weight: Math.max(weight, 0) });
  }
  return bins;
}

/** The largest value that comes of it. */
export function largest(spec: DistributionSpec): number {
  const { shape, step } = spec;
  if (shape.kind === "constant") return Math.ceil(shape.value / step) * step;
  const end =
    shape.kind === "empirical"
      ? shape.bins.reduce((most, [, to, weight]) => (weight > 0 ? Math.max(most, to) : most), 0)
      : shape.max;
  return Math.ceil(end / step) * step;
}

/** `value` times a factor, for phases that change sizes. */
export function scaled({ shape, step }: DistributionSpec, by: number): DistributionSpec {
  const times = (value: number): number =>
    Math.max(Math.round(value * by), shape.kind === "exponential" ? 0 : 1);
  switch (shape.kind) {
    case "constant":
      return { step, shape: { ...shape, value: times(shape.value) } };
    case "lognormal":
      return {
        step,
        shape: { ...shape, median: shape.median * by, min: times(shape.min), max: times(shape.max) },
      };
    case "exponential":
      return {
        step,
        shape: { ...shape, mean: shape.mean * by, min: times(shape.min), max: times(shape.max) },
      };
    case "empirical":
      return {
        step,
        shape: {
          ...shape,
          bins: shape.bins.map(([from, to, weight]) => [times(from), times(to), weight] as const),
        },
      };
    default:
      return { step, shape: { ...shape, min: times(shape.min), max: times(shape.max) } };
  }
}

/** A table by which a whole number 0…n-1 is chosen with the given weights; one of them is above 0. */
export function choice(weights: readonly number[]): DistributionRow {
  return table(
    1,
    weights.map((weight, low) => ({ low, width: 1, weight })),
  );
}

export function tabulate(spec: DistributionSpec): DistributionRow {
  return table(spec.step, binsOf(spec));
}

function table(unit: number, all: readonly Bin[]): DistributionRow {
  const known = all.filter(({ weight }) => weight > 0);
  // A range so narrow that its weights are all lost in the last digits is as good as uniform.
  const bins = known.length > 0 ? known : all.map((bin) => ({ ...bin, weight: bin.width }));
  const sum = bins.reduce((total, { weight }) => total + weight, 0);
  const shares = bins.map(({ weight }) => (weight / sum) * bins.length);
  const alias = bins.map((_, index) => index);
  const small: number[] = [];
  const large: number[] = [];
  for (const [index, share] of shares.entries()) (share < 1 ? small : large).push(index);
  while (small.length > 0 && large.length > 0) {
    const less = small.pop() as number;
    const more = large.pop() as number;
    alias[less] = more;
    shares[more] = (shares[more] ?? 0) - (1 - (shares[less] ?? 0));
    ((shares[more] ?? 0) < 1 ? small : large).push(more);
  }
  // What is left is 1 but for rounding.
  for (const index of [...small, ...large]) shares[index] = 1;
  return [
    unit,
    ...bins.flatMap(({ low, width }, index) => [
      low,
      width,
      Math.min(Math.max(Math.floor((shares[index] ?? 0) * 2 ** 32) - 1, 0), 2 ** 32 - 1),
      alias[index] ?? index,
    ]),
  ];
}
