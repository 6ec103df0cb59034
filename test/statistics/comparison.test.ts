import { describe, expect, it } from "vitest";
import {
  comparePairs,
  geometricMean,
  isDifference,
  noiseFloorOf,
  type Pair,
  ratioOfRatios,
  relativeWidth,
} from "../../src/statistics/comparison.js";
import { Random } from "../../src/statistics/random.js";

function pairs(values: readonly number[], baseline = 100): Pair[] {
  return values.map((value) => ({ value, baseline }));
}

describe("comparePairs", () => {
  it("finds the ratio and encloses it", () => {
    const ratio = comparePairs(pairs([60, 61, 62, 63, 64, 62, 61, 60, 63, 62]), 1);
    expect(ratio?.median).toBeCloseTo(0.62, 2);
    expect(ratio?.low).toBeGreaterThan(0.59);
    expect(ratio?.high).toBeLessThan(0.65);
    expect(ratio && isDifference(ratio)).toBe(true);
  });

  it("turns over with its sides", () => {
    const forth = comparePairs(
      [
        { value: 2, baseline: 1 },
        { value: 3, baseline: 1 },
        { value: 4, baseline: 1 },
      ],
      1,
    );
    const back = comparePairs(
      [
        { value: 1, baseline: 2 },
        { value: 1, baseline: 3 },
        { value: 1, baseline: 4 },
      ],
      1,
    );
    expect(1 / (back?.median ?? 0)).toBeCloseTo(forth?.median ?? 0, 10);
  });

  it("says nothing of no pairs, and has no interval of one", () => {
    expect(comparePairs([], 1)).toBeUndefined();
    expect(comparePairs(pairs([50]), 1)).toEqual({ median: 0.5, low: null, high: null });
  });

  it("lets a net time below zero count as very small, without moving the median of the others", () => {
    const ratio = comparePairs(pairs([-3, 50, 50, 50, 50, 50, 50, 50, 50, 50]), 1);
    expect(ratio?.median).toBeCloseTo(0.5, 10);
    expect(comparePairs(pairs([-1, -2, -3, 4]), 1)).toBeUndefined();
    expect(comparePairs(pairs([1, 2, 3], -1), 1)).toBeUndefined();
  });
});

describe("isDifference", () => {
  it("asks that the interval leaves 1 out, and for more than the noise floor", () => {
    expect(isDifference({ median: 1.02, low: 0.99, high: 1.05 })).toBe(false);
    expect(isDifference({ median: 1.02, low: 1.01, high: 1.03 })).toBe(true);
    expect(isDifference({ median: 1.02, low: 1.01, high: 1.03 }, 0.03)).toBe(false);
    expect(isDifference({ median: 0.98, low: 0.97, high: 0.99 }, 0.03)).toBe(false);
    expect(isDifference({ median: 2, low: null, high: null })).toBe(false);
  });

  it("takes as noise floor how far the baseline was from itself, its interval included", () => {
    expect(noiseFloorOf({ median: 1.01, low: 0.98, high: 1.04 })).toBeCloseTo(0.04, 10);
    expect(noiseFloorOf({ median: 0.9, low: 0.8, high: 0.95 })).toBeCloseTo(0.25, 10);
  });

  it("calls nothing a difference where the noise had no bound", () => {
    expect(noiseFloorOf({ median: 1, low: 0.9, high: null })).toBeNull();
    expect(noiseFloorOf({ median: 1, low: 0, high: 1.1 })).toBeNull();
    expect(isDifference({ median: 2, low: 1.9, high: 2.1 }, null)).toBe(false);
  });

  it("measures an interval by its ratio", () => {
    expect(relativeWidth({ median: 0.5, low: 0.49, high: 0.51 })).toBeCloseTo(0.04, 10);
    expect(relativeWidth({ median: 0.5, low: null, high: null })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("ratioOfRatios", () => {
  it("adds the halves of the intervals in quadrature, each the half that counts at that end", () => {
    const current = { median: 2, low: 2 / Math.exp(0.3), high: 2 * Math.exp(0.4) };
    const reference = { median: 0.5, low: 0.5 / Math.exp(0.3), high: 0.5 * Math.exp(0.4) };
    const { median, low, high } = ratioOfRatios(current, reference);
    expect(median).toBe(4);
    expect(Math.log(4 / (low ?? 0))).toBeCloseTo(0.5, 12);
    expect(Math.log((high ?? 0) / 4)).toBeCloseTo(0.5, 12);
  });

  it("has no end where one of the two has none, or one at 0", () => {
    const whole = { median: 1, low: 0.9, high: 1.1 };
    expect(ratioOfRatios({ median: 1, low: null, high: null }, whole)).toEqual({
      median: 1,
      low: null,
      high: null,
    });
    expect(ratioOfRatios({ median: 1, low: 0, high: 1.1 }, whole)).toMatchObject({ low: null });
    expect(ratioOfRatios({ median: 1, low: 0, high: 1.1 }, whole).high).toBeGreaterThan(1.1);
  });
});

describe("geometricMean", () => {
  it("is that of the ratios, never of times", () => {
    const slow = pairs(new Array<number>(8).fill(20_000), 10_000);
    const fast = pairs(new Array<number>(8).fill(50), 100);
    expect(geometricMean([slow, fast], 1)?.median).toBeCloseTo(1, 10);
  });

  it("is not given where a trace has no pair", () => {
    expect(geometricMean([pairs([50]), []], 1)).toBeUndefined();
    expect(geometricMean([], 1)).toBeUndefined();
  });
});

/** Noise as machines make it: a normal core, some rounds far slower, one in ten thousand thrown off. */
function noise(random: Random, kind: "normal" | "bursts" | "two-speeds" | "drift", time: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  switch (kind) {
    case "normal":
      return 0.01 * normal;
    case "bursts":
      return 0.01 * normal + (random.next() < 0.15 ? -0.1 * Math.log(1 - random.next()) : 0);
    case "two-speeds":
      return 0.005 * normal + (random.next() < 0.3 ? 0.04 : 0);
    case "drift":
      return 0.01 * normal + 0.02 * Math.sin(time / 3) + 0.001 * time;
  }
}

/** Share of runs of ten pairs, each pair in alternating order, in which a difference is called. */
function calledShare(kind: Parameters<typeof noise>[1], effect: number, runs: number): number {
  const random = new Random(11);
  let called = 0;
  for (let run = 0; run < runs; run += 1) {
    const sampled: Pair[] = [];
    for (let round = 0; round < 10; round += 1) {
      const [first, second] = [noise(random, kind, 2 * round), noise(random, kind, 2 * round + 1)];
      const [own, base] = round % 2 === 0 ? [first, second] : [second, first];
      sampled.push({ value: Math.exp(own + effect), baseline: Math.exp(base) });
    }
    const ratio = comparePairs(sampled, run);
    if (ratio !== undefined && isDifference(ratio)) called += 1;
  }
  return called / runs;
}

describe("the rates of the interval with ten pairs", () => {
  it.each(["normal", "bursts", "two-speeds", "drift"] as const)(
    "calls equal allocators different in at most 8 %% under %s noise",
    (kind) => {
      expect(calledShare(kind, 0, 400)).toBeLessThanOrEqual(0.08);
    },
  );

  it.each(["normal", "bursts", "two-speeds", "drift"] as const)(
    "finds 5 %% in at least 70 %% under %s noise",
    (kind) => {
      expect(calledShare(kind, Math.log(1.05), 200)).toBeGreaterThanOrEqual(0.7);
    },
  );
});
