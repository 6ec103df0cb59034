import { describe, expect, it } from "vitest";
import { CourseWatcher, type ForecastPlan } from "../../src/measure/forecast.js";
import { resultFileSchema } from "../../src/measure/measurement.js";
import { measuredTrace, resultFile, steadyWorld } from "./sample.js";

const MIB = 2 ** 20;
const plan = (more: Partial<ForecastPlan> = {}): ForecastPlan => ({
  ...{ model: "adaptive", limitBytes: 100 * MIB, limitFrom: "option", spanS: 600, purge: false },
  ...more,
});

const look = (timeS: number, bytes: number, sinceS = timeS) => ({
  ...{ frame: "sample" as const, event: 1, weighs: false, liveBytes: bytes, bytes, allocatedBytes: bytes },
  ...{ timeNs: timeS * 1e9, sinceNs: sinceS * 1e9 },
});

/** A leak that fills the limit in ten minutes. */
const leak = (second: number): number => 20 * MIB + (second * 80 * MIB) / 600;

describe("memory under the forecaster", () => {
  it("enters the levels in their order, sees the end, and says when memory ran out", () => {
    const watcher = new CourseWatcher(plan());
    for (let second = 0; second <= 620; second += 1) watcher.take(look(1e6 + second, leak(second)));
    const course = watcher.course();
    expect(course.outS).toBe(600);
    expect(course.samples).toBe(621);
    expect(course.peakBytes).toBeCloseTo(leak(620));
    expect(course.firstForecastS).toBeGreaterThan(5);
    expect(course.firstForecastS).toBeLessThan(20);
    expect(course.entries.map(({ level }) => level)).toEqual(["warning", "high", "critical", "emergency"]);
    const times = course.entries.map(({ atS }) => atS);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    const critical = course.entries[2];
    expect(critical?.standsSinceS).toBeGreaterThan(400);
    expect(critical?.standsSinceS).toBeLessThan(590);
    expect(course.skill.map(({ horizonS }) => horizonS)).toEqual([30, 60, 120]);
    expect(course.skill[1]?.skill).toBeGreaterThan(0.5);
    // What comes behind the end is drawn, and not forecast.
    expect(watcher.state?.timeS).toBe(600);
    expect(course.chart.usedBytes).toHaveLength(240);
    expect(Math.max(...course.chart.usedBytes.map(Number))).toBeCloseTo(leak(620));
  });

  it("takes a trace that stands still for what it is, and not for a gap", () => {
    const watcher = new CourseWatcher(plan());
    for (let second = 0; second <= 60; second += 1) watcher.take(look(second, 40 * MIB));
    // Half an hour in which nothing was allocated.
    watcher.take(look(1860, 40 * MIB, 60));
    expect(watcher.state?.event).toBe("none");
    expect(watcher.state?.horizons).toHaveLength(3);
    expect(watcher.course().samples).toBe(62);
  });

  it("has forecasts and no levels without a limit", () => {
    const watcher = new CourseWatcher(plan({ limitBytes: null, limitFrom: null }));
    for (let second = 0; second <= 200; second += 1) watcher.take(look(second, leak(second)));
    expect(watcher.course()).toMatchObject({ outS: null, entries: [] });
    expect(watcher.state?.horizons).toHaveLength(3);
  });

  it("makes no forecast of a trace of some seconds, whose levels follow usage", () => {
    const watcher = new CourseWatcher(plan({ spanS: 4 }));
    for (let step = 0; step < 40; step += 1) watcher.take(look(step / 10, step * 2 * MIB));
    expect(watcher.course()).toMatchObject({ firstForecastS: null, skill: [], outS: null });
    expect(watcher.course().entries[0]).toMatchObject({ level: "warning", reason: { kind: "usage" } });
  });

  it("passes by the looks that have no time", () => {
    const watcher = new CourseWatcher(plan());
    const { timeNs: _, sinceNs: __, ...untimed } = look(1, 2);
    watcher.take(untimed);
    expect(watcher.state).toBeUndefined();
  });
});

describe("a schedule that looks ahead", () => {
  const world = {
    ...steadyWorld,
    timedBytes: ({ name }: { name: string }, relieved: boolean) =>
      Array.from(
        { length: 601 },
        (_, second) => leak(second) * (name === "malloc" ? 1.3 : 1) * (relieved ? 0.7 : 1),
      ),
  };

  it("forecasts every allocator but the empty loop, in a result that its schema knows", async () => {
    const measured = await measuredTrace("a", world, { forecast: plan({ purge: true }) });
    const file = resultFileSchema.parse(resultFile([measured]));
    const [rustydb, malloc, jemalloc] = file.results.map(({ forecast }) => forecast);
    expect(measured.measurement.loop.forecast).toBeUndefined();
    expect(rustydb).toMatchObject({ limitBytes: 100 * MIB, limitFrom: "option", outS: 600, samples: 601 });
    expect(malloc?.outS).toBeLessThan(450);
    expect(rustydb?.relieved).toMatchObject({ outS: null, by: "purge" });
    expect(rustydb?.relieved?.reliefs).toEqual([
      { atS: 10, level: "high", beforeBytes: 9000, returnedBytes: 1000 },
    ]);
    expect(jemalloc?.relieved?.by).toBeNull();
    // Looks for their time alone weigh nothing.
    expect(file.results[0]?.memory?.timeline).toHaveLength(3);
  });

  it("looks at times only where it was asked to, and relieves only in a round of its own", async () => {
    const { measurement } = await measuredTrace("a", world);
    expect(measurement.rows.every(({ forecast }) => forecast === undefined)).toBe(true);
    const looked = await measuredTrace("a", world, { forecast: plan() });
    expect(looked.measurement.rows.every(({ forecast }) => forecast?.relieved === undefined)).toBe(true);
  });
});
