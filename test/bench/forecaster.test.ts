import { describe, expect, it } from "vitest";
import { forecasterCost } from "../../src/bench/forecaster.js";
import type { RunProgress } from "../../src/measure/measurement-progress.js";
import { FORECAST_MODELS } from "../../src/native/pressure.js";
import { native } from "../../src/native.js";

const cost = (signal: AbortSignal, seen: RunProgress[] = []) =>
  forecasterCost(
    { rounds: 3, seed: 1, samples: 200 },
    { show: (progress) => void seen.push(progress) },
    signal,
  );

describe("what the forecaster costs", () => {
  it("is measured for every model at several steps, with an interval", async () => {
    const seen: RunProgress[] = [];
    const figures = await cost(new AbortController().signal, seen);
    const names = FORECAST_MODELS.flatMap((model) =>
      [0.1, 1, 5].map((stepS) => `${model}, a sample each ${stepS} s`),
    );
    expect(figures.map(({ name }) => name)).toEqual(names);
    for (const { value, unit, suite } of figures) {
      expect([suite, unit]).toEqual(["pressure", "ns"]);
      expect(value.estimate).toBeGreaterThan(0);
      expect(value.low).toBeLessThanOrEqual(value.estimate);
      expect(value.high).toBeGreaterThanOrEqual(value.estimate);
    }
    expect(seen).toHaveLength(3 * names.length);
    // In each round all, in another order.
    const order = (round: number): string =>
      seen
        .filter((each) => each.round === round)
        .map(({ allocator }) => allocator)
        .join();
    expect(order(1)).not.toBe(order(2));
  });

  it("is not measured once the signal was raised", async () => {
    expect(await cost(AbortSignal.abort())).toEqual([]);
  });
});

describe("the native call behind it", () => {
  it.each([
    [[{ model: "adaptive" }, 1, 1]],
    [[{ model: "adaptive" }, "1", 1, 1]],
    [["adaptive", 1, 1, 1]],
    [[{ model: "nonsense" }, 1, 1, 1]],
    [[{}, 1, 1, 1]],
  ])("refuses what is of another kind: %j", (words) => {
    const call = native().forecastCost as (...words: unknown[]) => number;
    expect(() => call(...words)).toThrow(TypeError);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
    [1, 0],
    [1, -5],
    [1, Number.NaN],
  ])("refuses steps of %d s and %d samples", (stepS, samples) => {
    expect(() => native().forecastCost({ model: "adaptive" }, stepS, samples, 1)).toThrow(RangeError);
  });
});
