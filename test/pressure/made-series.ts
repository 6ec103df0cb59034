import type { BacktestRequest } from "../../src/pressure/backtest.js";
import type { Series } from "../../src/pressure/series.js";
import { Random } from "../../src/statistics/random.js";

export const MIB = 1024 ** 2;

/** A series of one reading a second. */
export function madeSeries(
  name: string,
  count: number,
  used: (second: number) => number,
  options: { readonly origin?: string; readonly total?: number } = {},
): Series {
  const unknown = (): Float64Array => new Float64Array(count).fill(Number.NaN);
  return {
    name,
    origin: options.origin ?? "made",
    columns: {
      timeS: Float64Array.from({ length: count }, (_, second) => second),
      usedBytes: Float64Array.from({ length: count }, (_, second) => used(second)),
      totalBytes: new Float64Array(count).fill(options.total ?? Number.NaN),
      swapBytes: unknown(),
      psiPercent: unknown(),
      allocatedBytes: unknown(),
      freedBytes: unknown(),
    },
    notes: [],
  };
}

/** A walk of steps up to `step` bytes, from 1 GiB. */
export function walk(name: string, count: number, step: number, seed = 1): Series {
  const random = new Random(seed);
  let used = 1024 * MIB;
  return madeSeries(name, count, () => {
    used = Math.max(0, used + (2 * random.next() - 1) * step);
    return used;
  });
}

export const REQUEST: BacktestRequest = {
  model: "adaptive",
  beside: ["persistence"],
  limits: { kind: "sweep" },
  policy: {},
  evictable: [0.3],
  extras: {},
};
