import { describe, expect, it } from "vitest";
import { Interrupted } from "../../src/errors.js";
import { backtestSeries } from "../../src/pressure/backtest.js";
import { optimisePolicy } from "../../src/pressure/optimise.js";
import { scorecard } from "../../src/pressure/scorecard.js";
import { MIB, madeSeries, REQUEST, walk } from "./made-series.js";

/** Half an hour of calm, then a climb by 4 MiB a second. */
const climb = (name: string, origin = "made") =>
  madeSeries(name, 2200, (second) => (500 + Math.max(0, second - 1900) * 4 + (second % 3)) * MIB, { origin });

describe("backtestSeries", () => {
  it("plays every model, judges the first, and draws the series", async () => {
    const played = await backtestSeries(climb("climb"), REQUEST);
    expect(played.models.map(({ model }) => model)).toEqual(["adaptive", "persistence"]);
    for (const { horizons } of played.models)
      expect(horizons.map(({ horizonS }) => horizonS)).toEqual([30, 60, 120]);
    const [adaptive, persistence] = played.models;
    expect(persistence?.horizons[0]?.error).toBe(persistence?.horizons[0]?.persistenceError);
    expect(adaptive?.horizons[0]?.error).toBeLessThan((adaptive?.horizons[0]?.persistenceError ?? 0) * 0.8);
    expect(played).toMatchObject({ samples: 2200, spanS: 2199, stepS: 1, totalBytes: null, gaps: 0 });
    expect(played.limits).toHaveLength(12);
    // Those below the peak are reached, those above are not.
    expect(played.limits.map(({ outS }) => outS !== null)).toEqual([
      ...Array(7).fill(true),
      ...Array(5).fill(false),
    ]);
    expect(played.closedLoop).toHaveLength(12 * 5);
    expect(Math.max(...played.chart.highBytes.map((value) => value ?? 0))).toBe(played.peakBytes);
  });

  it("takes the total for a limit where the series tells one, and none where it does not", async () => {
    const limits = { kind: "total" } as const;
    const told = madeSeries("told", 2000, () => 500 * MIB, { total: 1024 * MIB });
    expect((await backtestSeries(told, { ...REQUEST, limits })).limits).toMatchObject([
      { limitBytes: null, outS: null },
    ]);
    const untold = await backtestSeries(climb("untold"), { ...REQUEST, limits });
    expect(untold.limits).toEqual([]);
    expect(untold.closedLoop).toEqual([]);
  });

  it("says when it would have run out with swap and with compressed memory", async () => {
    const played = await backtestSeries(climb("climb"), {
      ...REQUEST,
      limits: { kind: "bytes", bytes: 1000 * MIB },
      extras: { swapBytes: 100 * MIB, zramRatio: 2 },
    });
    // 100 MiB of swap, and half of the limit in half of its place.
    expect(played.extras).toEqual([
      {
        limitBytes: 1000 * MIB,
        outS: expect.closeTo(2025, 0),
        extraBytes: 350 * MIB,
        withExtrasOutS: expect.closeTo(2113, 0),
      },
    ]);
  });

  it("does not begin what is no longer wanted", async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(backtestSeries(climb("climb"), REQUEST, abort.signal)).rejects.toThrow(Interrupted);
  });
});

describe("scorecard", () => {
  it("pools by origin what is long enough", async () => {
    const series = [climb("a", "x"), climb("b", "y"), climb("c"), madeSeries("short", 600, () => MIB)];
    const card = scorecard(await Promise.all(series.map((each) => backtestSeries(each, REQUEST))));
    expect(card.origins.map(({ origin, series: count }) => [origin, count])).toEqual([
      ["x", 1],
      ["y", 1],
      ["made", 1],
    ]);
    expect(card.all).toMatchObject({ origin: "all", series: 3, outs: 21 });
    expect(card.short).toEqual(["short"]);
    const [x, y] = card.origins;
    // The same series twice pools to the same figures.
    expect(x?.models).toEqual(y?.models);
  });

  it("finds no skill in a walk, and says how sure that is", async () => {
    const card = scorecard([await backtestSeries(walk("walk", 8000, 2 * MIB, 5), REQUEST)]);
    for (const { ratio, coverage } of card.origins[0]?.models[0]?.horizons ?? []) {
      expect(ratio.estimate).toBeGreaterThan(0.97);
      expect(ratio.estimate).toBeLessThan(1.05);
      expect(ratio.low).toBeLessThanOrEqual(ratio.estimate);
      expect(ratio.high).toBeGreaterThanOrEqual(ratio.estimate);
      expect(coverage).toBeGreaterThan(0.85);
      expect(coverage).toBeLessThan(0.95);
    }
  });

  it("weighs a small series as a large one", async () => {
    const large = walk("large", 3000, MIB, 2);
    const small = {
      ...large,
      columns: { ...large.columns, usedBytes: large.columns.usedBytes.map((used) => used / 4) },
    };
    const [one, both] = await Promise.all(
      [[large], [large, small]].map(async (series) =>
        scorecard(await Promise.all(series.map((each) => backtestSeries(each, { ...REQUEST, beside: [] })))),
      ),
    );
    const width = (card: typeof one) => card?.origins[0]?.models[0]?.horizons[0]?.width ?? 0;
    expect(width(both)).toBeCloseTo(width(one), 3);
  });
});

describe("optimisePolicy", { timeout: 60_000 }, () => {
  it("chooses on one half of the series, and reports on the other", async () => {
    const series = [climb("a"), climb("b"), climb("c"), climb("d")];
    const tried: number[] = [];
    const found = await optimisePolicy(series, REQUEST, 1, { onTried: (at) => tried.push(at) });
    expect(tried).toHaveLength(found?.tried ?? 0);
    expect(found?.training.policy?.outs).toBe(14);
    expect(found?.heldOut.policy?.outs).toBe(14);
    expect(found?.training.policy?.falseAlarmsPerHour).toBeLessThanOrEqual(1);
    // What it chose is what a backtest with it gives.
    const policy = found?.chosen ?? {};
    const again = scorecard(
      await Promise.all(
        [series[0], series[2]].map((each) => backtestSeries(each as never, { ...REQUEST, policy })),
      ),
    );
    expect(again.origins[0]?.alarms[0]).toEqual(found?.training.policy);
  });

  it("needs two series", async () => {
    expect(await optimisePolicy([climb("a")], REQUEST, 1)).toBeNull();
  });
});
