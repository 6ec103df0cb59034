import { describe, expect, it } from "vitest";
import { Random } from "../../src/statistics/random.js";

function take(seed: number, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.nextUint32());
}

describe("Random", () => {
  it("gives the same numbers for the same seed, and others for another", () => {
    expect(take(42, 5)).toEqual(take(42, 5));
    expect(take(42, 5)).not.toEqual(take(43, 5));
  });

  it("tells seeds beyond 32 bits apart", () => {
    expect(take(1, 5)).not.toEqual(take(1 + 2 ** 32, 5));
  });

  it("spreads evenly over its range", () => {
    const random = new Random(2);
    const even = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i += 1) {
      const slot = random.below(10);
      even[slot] = (even[slot] ?? 0) + 1;
    }
    // Chi-square with 9 degrees of freedom: 27.9 is passed once in a thousand.
    expect(even.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9);
  });

  it("shuffles without losing or doubling, every order about as often", () => {
    const random = new Random(3);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i += 1) {
      const key = random.shuffled(["a", "b", "c"]).join("");
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
