import { describe, expect, it } from "vitest";
import { Random } from "../../src/statistics/random.js";
import { ranks, spearman, spearmanOfMedians } from "../../src/statistics/rank.js";

describe("ranks", () => {
  it("gives the smallest the first, and equal values the mean of theirs", () => {
    expect(ranks([30, 10, 20])).toEqual([3, 1, 2]);
    expect(ranks([5, 1, 5, 5, 9])).toEqual([3, 1, 3, 3, 5]);
    expect(ranks([])).toEqual([]);
  });
});

describe("spearman", () => {
  it("is 1 in the same order, whatever the distances, and −1 in the reverse", () => {
    expect(spearman([1, 2, 3, 4], [10, 11, 500, 501])).toBeCloseTo(1, 12);
    expect(spearman([1, 2, 3, 4], [4, 3, 2, -100])).toBeCloseTo(-1, 12);
  });

  it("is 1 − 6 Σd² / n(n² − 1) without ties", () => {
    // Differences of the ranks: 0, 1, 1, 1, 1.
    expect(spearman([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])).toBeCloseTo(1 - (6 * 4) / (5 * 24), 12);
  });

  it("takes mean ranks of ties", () => {
    // Ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    expect(spearman([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  });

  it("is no number where nothing can be ordered", () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(spearman([1], [2])).toBeNaN();
  });

  it("refuses two lists of different lengths", () => {
    expect(() => spearman([1, 2], [1])).toThrow("2 values beside 1");
  });
});

describe("spearmanOfMedians", () => {
  const predicted = [1, 2, 3, 4];

  it("is sure of an order that every round has", () => {
    const rounds = [
      [10, 20, 30, 40],
      [11, 22, 29, 45],
      [9, 21, 33, 41],
    ];
    const { estimate, low, high } = spearmanOfMedians(rounds, predicted, new Random(1));
    expect([estimate, low, high].map((value) => Number(value.toFixed(9)))).toEqual([1, 1, 1]);
  });

  it("takes medians: a single round that was disturbed changes nothing", () => {
    const rounds = [
      [10, 20, 30, 40],
      [10, 20, 30, 40],
      [99, 20, 30, 40],
    ];
    expect(spearmanOfMedians(rounds, predicted, new Random(1)).estimate).toBeCloseTo(1, 12);
  });

  it("is unsure where rounds contradict each other", () => {
    const rounds = [
      [10, 20, 30, 40],
      [40, 30, 20, 10],
    ];
    const { low, high } = spearmanOfMedians(rounds, predicted, new Random(1));
    expect(low).toBeCloseTo(-1, 12);
    expect(high).toBeCloseTo(1, 12);
  });

  it("has no interval of one round", () => {
    expect(spearmanOfMedians([[1, 2, 3, 4]], predicted, new Random(1)).low).toBeNaN();
  });
});
