import { describe, expect, it } from "vitest";
import { bootstrapMedian, expandedTail } from "../../src/statistics/bootstrap.js";
import { Random } from "../../src/statistics/random.js";
import { median, quantileOfSorted, standardDeviation, summarise } from "../../src/statistics/summary.js";

describe("summaries", () => {
  it("takes the middle, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("interpolates quantiles, and stays off the void between a number and an infinity", () => {
    expect(quantileOfSorted([0, 10], 0.25)).toBe(2.5);
    expect(quantileOfSorted([Number.NEGATIVE_INFINITY, 1, 2], 0.1)).toBe(Number.NEGATIVE_INFINITY);
    expect(quantileOfSorted([Number.NEGATIVE_INFINITY, 1, 2], 0.5)).toBe(1);
  });

  it("summarises", () => {
    expect(summarise([1, 2, 3, 4])).toEqual({
      count: 4,
      min: 1,
      median: 2.5,
      max: 4,
      standardDeviation: standardDeviation([1, 2, 3, 4]),
    });
    expect(standardDeviation([1, 2, 3, 4])).toBeCloseTo(1.29099, 5);
  });
});

describe("bootstrapMedian", () => {
  it("is the same for the same seed", () => {
    const values = [1, 5, 2, 8, 3, 9, 4];
    expect(bootstrapMedian([values], new Random(1))).toEqual(bootstrapMedian([values], new Random(1)));
  });

  it("has no interval of a single value", () => {
    expect(bootstrapMedian([[3]], new Random(1))).toEqual({ estimate: 3, low: Number.NaN, high: Number.NaN });
  });

  it("has an interval of no width where all values are the same", () => {
    expect(bootstrapMedian([new Array<number>(10).fill(2)], new Random(1))).toEqual({
      estimate: 2,
      low: 2,
      high: 2,
    });
  });

  it("is wider than its range for three values, which can all lie on one side by chance", () => {
    const { low, high } = bootstrapMedian([[1, 1.1, 1.2]], new Random(1));
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(1.2);
  });

  it("cuts less from the ends than a percentile interval does, the more so the fewer values", () => {
    expect(expandedTail(10)).toBeCloseTo(0.0086, 3);
    expect(expandedTail(5)).toBeLessThan(expandedTail(10));
    expect(expandedTail(1000)).toBeCloseTo(0.025, 3);
  });

  it("gives the mean of strata a narrower interval than the strata have", () => {
    const random = new Random(5);
    const strata = [1, 2, 3, 4].map(() => Array.from({ length: 12 }, () => random.next()));
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    const widths = strata.map((values) => width(bootstrapMedian([values], new Random(1))));
    expect(width(bootstrapMedian(strata, new Random(1)))).toBeLessThan(median(widths));
  });
});
