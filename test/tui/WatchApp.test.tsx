import { describe, expect, it } from "vitest";
import type { PressureState } from "../../src/native/pressure.js";
import type { WatchView } from "../../src/pressure/live/watcher.js";
import type { ChartRun } from "../../src/tui/bitmap.js";
import { SeriesRing } from "../../src/tui/seriesRing.js";
import { chartScale, usageChart } from "../../src/tui/usageChart.js";
import { openWatchView } from "../../src/tui/watchView.js";
import { stateAt } from "../pressure/live/state.js";
import { terminal } from "./terminal.js";

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 120));
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is to go
const plain = (frame: string): string => frame.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
const last = (frames: readonly string[]): string =>
  plain(frames.filter((frame) => plain(frame).trim() !== "").at(-1) ?? "");
const widest = (frame: string): number => Math.max(...frame.split("\n").map((line) => line.length));
const height = (frame: string): number => frame.trimEnd().split("\n").length;

async function open(columns: number, rows: number, onQuit: () => void = () => undefined) {
  const screen = terminal(columns, rows);
  const view = await openWatchView({
    stdin: screen.stdin,
    stdout: screen.stdout,
    ...{ title: "process 42 (redis), limit: 8 GiB", model: "adaptive", intervalNs: 1e9, onQuit },
  });
  return { ...screen, view };
}

/** `count` samples up to the state. */
async function play(view: WatchView, state: PressureState, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const timeS = at;
    const usedBytes = state.usedBytes - (count - 1 - at) * 1e7;
    const here = { ...state, timeS, usedBytes, changed: at === count - 1 };
    const sample = {
      timeNs: timeS * 1e9,
      usedBytes,
      totalBytes: 8e9,
      swapBytes: null,
      psiMillipercent: null,
    };
    view.show({ sample, state: here, happenings: [], oomKills: 0 });
  }
  await settle();
}

describe("the live view of a watch", () => {
  it("shows usage, forecasts with what they are worth, level, action and why, and what happened", async () => {
    const { frames, view } = await open(120, 30);
    await play(view, stateAt(2), 90);
    view.tell({ timeNs: 80e9, kind: "kernel", text: "the kernel killed 1 process for memory" });
    await settle();
    const frame = last(frames);
    expect(frame).toContain("process 42 (redis), limit: 8 GiB");
    expect(frame).toContain("6.52 GiB of 7.45 GiB (88 %)   increasing +977 KiB/s");
    expect(frame).toMatch(
      /in {2}60 s {2}6.58 GiB \[6.43 GiB, 6.71 GiB\] {2}highest 6.80 GiB {2}limit: 12 % {2}skill 0.25/,
    );
    expect(frame).toMatch(/in 120 s .*no better than no change/);
    expect(frame).toContain("critical: from 4m 10s on   confidence 0.80");
    expect(frame).toMatch(/level {2}HIGH {3}action gentle-eviction {2}\(usage 82 % ≥ 80 %\)/);
    expect(frame).toContain("9.00 s ago: the kernel killed 1 process for memory");
    expect(frame).toMatch(/limit ━+/);
    expect(frame).toMatch(/[\u2801-\u28ff]/);
    view.close();
  });

  it.each([
    [80, 24],
    [200, 50],
    [120, 12],
    [40, 10],
    [30, 4],
    [20, 2],
  ])("at %i × %i fits, and is a line less tall", async (columns, rows) => {
    const { frames, view } = await open(columns, rows);
    await play(view, stateAt(4), 400);
    for (let at = 0; at < 20; at += 1)
      view.tell({ timeNs: at * 1e9, kind: "series", text: `a gap, ${"long ".repeat(50)}` });
    await settle();
    for (const frame of frames.map(plain)) {
      expect(widest(frame)).toBeLessThanOrEqual(columns);
      expect(height(frame)).toBeLessThanOrEqual(Math.max(1, rows - 1));
    }
    view.close();
  });

  it("draws anew when the terminal changes its size", async () => {
    const { frames, view, resize } = await open(80, 24);
    await play(view, stateAt(1), 30);
    frames.length = 0;
    resize(200, 50);
    await settle();
    expect(height(last(frames))).toBeGreaterThan(40);
    frames.length = 0;
    resize(60, 16);
    await settle();
    expect(height(last(frames))).toBeLessThan(16);
    expect(widest(last(frames))).toBeLessThanOrEqual(60);
    view.close();
  });

  it("says so before there are forecasts, and does without a limit", async () => {
    const { frames, view } = await open(80, 24);
    await play(
      view,
      stateAt(0, { horizons: [], limitBytes: null, confidence: null, timeToCritical: null }),
      3,
    );
    expect(last(frames)).toContain("the first forecast takes");
    expect(last(frames)).toContain("critical: –");
    view.close();
  });

  it("quits on q and on Ctrl-C", async () => {
    let quits = 0;
    const { view, type } = await open(80, 24, () => {
      quits += 1;
    });
    await play(view, stateAt(0), 1);
    type("x");
    type("q");
    type("\x03");
    await settle();
    expect(quits).toBe(2);
    view.close();
  });
});

const text = (runs: readonly ChartRun[]): string => runs.map((run) => run.text).join("");

function chartOf(values: readonly number[], state: PressureState, gapAt = -1): string[] {
  const ring = new SeriesRing(1000);
  values.forEach((value, at) => {
    ring.push(at + (at >= gapAt && gapAt >= 0 ? 20 : 0), value);
  });
  const timeS = values.length - 1 + (gapAt >= 0 ? 20 : 0);
  const here = { ...state, timeS, usedBytes: values.at(-1) ?? 0 };
  return usageChart(ring, here, { columns: 71, lines: 11, pastS: 60, gapS: 3 }).map(text);
}

describe("the chart", () => {
  const quiet = stateAt(0, { horizons: [] });

  it("rises with usage from the left below to the right above", () => {
    const rows = chartOf(
      Array.from({ length: 61 }, (_, at) => 1e9 + at * 1e6),
      quiet,
    );
    const filled = rows.slice(0, -1).map((row) => row.slice(11).search(/[\u2801-\u28ff]/));
    const places = filled.filter((column) => column >= 0);
    expect(places).toEqual([...places].sort((a, b) => b - a));
    expect(places[0]).toBeGreaterThan(45);
    expect(places.at(-1)).toBeLessThan(10);
  });

  it("does not join what lies on two sides of a gap", () => {
    const rows = chartOf(new Array(41).fill(1e9), quiet, 20);
    const line = rows.find((row) => /[\u2801-\u28ff]/.test(row)) ?? "";
    expect(line.slice(11)).toMatch(/[\u2801-\u28ff]{10,} {15,}[\u2801-\u28ff]{10,}/);
  });

  it("has the limit and the thresholds in sight where usage is near, and not where it is far", () => {
    expect(chartScale([5e9, 7e9], stateAt(0)).high).toBeGreaterThan(8e9);
    expect(chartOf(new Array(61).fill(7e9), stateAt(2)).join("\n")).toMatch(/limit ━.*80 % .*70 % /s);
    const far = stateAt(0, { horizons: [], usedBytes: 1e9 });
    expect(chartScale([1e9, 1.001e9], far).high).toBeLessThan(1.1e9);
    expect(chartOf(new Array(61).fill(1e9), quiet).join("\n")).not.toMatch(/limit/);
  });

  it("keeps an interval as wide as everything from pressing the past flat", () => {
    const wide = stateAt(0, { usedBytes: 1e9 });
    const horizons = wide.horizons.map((each) => ({ ...each, usedBytes: 1e9, lowBytes: 0, highBytes: 7e9 }));
    const { low, high } = chartScale([1e9, 1.1e9], { ...wide, horizons });
    expect(high).toBeLessThan(1.3e9);
    expect(low).toBeGreaterThan(0.8e9);
  });

  it("is of one width throughout", () => {
    const rows = chartOf(new Array(61).fill(6e9), stateAt(1));
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([71]));
    expect(rows.at(-1)).toMatch(/−60 s +now +\+2 min$/);
  });
});

describe("the ring", () => {
  it("forgets the oldest", () => {
    const ring = new SeriesRing(3);
    for (let at = 0; at < 5; at += 1) ring.push(at, at * 10);
    expect(ring.length).toBe(3);
    expect(ring.since(0).map(({ value }) => value)).toEqual([20, 30, 40]);
    expect(ring.since(4).map(({ timeS }) => timeS)).toEqual([3, 4]);
  });
});
