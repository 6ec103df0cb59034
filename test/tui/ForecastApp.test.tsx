import { afterEach, describe, expect, it } from "vitest";
import type { SeriesBacktest } from "../../src/pressure/backtest.js";
import type { Series } from "../../src/pressure/series.js";
import { type ForecastView, openForecastView } from "../../src/tui/forecastView.js";
import { skillsOf } from "../../src/tui/modelSkills.js";
import { expectFrame, lastFrame } from "./frames.js";
import { terminal } from "./terminal.js";

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 80));

const COUNT = 600;
const over = (value: (at: number) => number): Float64Array =>
  Float64Array.from({ length: COUNT }, (_, at) => value(at));
const series: Series = {
  ...{ name: "node-sawtooth-1", origin: "watch", notes: [] },
  columns: {
    timeS: over((at) => 1000 + at),
    usedBytes: over((at) => 1e8 + 3e6 * (at % 60)),
    totalBytes: over(() => 8e9),
    swapBytes: over(() => Number.NaN),
    psiMillipercent: over(() => Number.NaN),
  } as unknown as Series["columns"],
};

function played(error: number, peakBytes = 1): SeriesBacktest {
  const horizon = (horizonS: number, share: number) => ({
    ...{ horizonS, samples: 100, error: share * error * peakBytes, persistenceError: 10 * peakBytes },
  });
  return {
    peakBytes,
    models: [
      { model: "adaptive", horizons: [30, 60, 120].map((horizonS) => horizon(horizonS, 1)) },
      { model: "linear", horizons: [30, 60, 120].map((horizonS) => horizon(horizonS, 1.5)) },
    ],
  } as unknown as SeriesBacktest;
}

let opened: ForecastView | undefined;
afterEach(() => opened?.close());

async function open(columns: number, rows: number, onQuit = () => {}) {
  const screen = terminal(columns, rows);
  const { stdin, stdout } = screen;
  const step = {
    step: "forecasting node-sawtooth-1 (3 of 20)",
    share: 0.1,
    series,
    played: [played(8), played(6)],
  };
  const view = await openForecastView({ stdin, stdout, onQuit }, { ...step, series: undefined, played: [] });
  opened = view;
  view.show(step);
  await settle();
  return { ...screen, view, frame: () => lastFrame(screen.frames) };
}

describe("the live view of a backtest", () => {
  it.each([
    [80, 24],
    [200, 50],
  ])("at %i × %i looks as it is kept", async (columns, rows) => {
    const { frame } = await open(columns, rows);
    expect(frame().split("\n").length).toBeLessThan(rows);
    expectFrame(`forecast-${columns}x${rows}`, frame());
  });

  it.each([
    [60, 12],
    [40, 8],
    [30, 4],
    [20, 2],
  ])("fits in %i × %i", async (columns, rows) => {
    const { frames } = await open(columns, rows);
    for (const frame of frames.map((each) => lastFrame([each]))) {
      expect(frame.split("\n").length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      expect(Math.max(...frame.split("\n").map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  it("quits on q and on Ctrl-C", async () => {
    let quits = 0;
    const { type } = await open(80, 24, () => {
      quits += 1;
    });
    for (const key of ["x", "q", "\x03"]) type(key);
    await settle();
    expect(quits).toBe(2);
  });
});

describe("skill so far", () => {
  it("is pooled over the series, each in units of its peak", () => {
    const [adaptive, linear] = skillsOf([played(8, 1e9), played(6, 1)]);
    expect(adaptive?.horizons.map(({ skill }) => skill)).toEqual(
      [0.3, 0.3, 0.3].map((skill) => expect.closeTo(skill)),
    );
    expect(linear?.horizons[0]?.skill).toBeCloseTo(-0.05);
  });

  it("of series that use nothing is not told", () => {
    expect(skillsOf([played(8, 0)])[0]?.horizons).toEqual([]);
    expect(skillsOf([])).toEqual([]);
  });
});
