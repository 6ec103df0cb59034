import { afterEach, describe, expect, it } from "vitest";
import type { RecordingTotals } from "../../src/trace/recording.js";
import { openRecordView, type RecordView } from "../../src/tui/recordView.js";
import { expectFrame, lastFrame } from "./frames.js";
import { terminal } from "./terminal.js";

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 80));

function totals(more: Partial<RecordingTotals> = {}): RecordingTotals {
  return {
    ...{ events: 1_234_567, bytes: 3e6, dropped: 0, processes: 1, alive: 1, recording: true },
    ...{ residentBytes: 5e8, ...more },
  };
}

let opened: RecordView | undefined;
afterEach(() => opened?.close());

async function open(columns: number, rows: number, keys = true) {
  const screen = terminal(columns, rows);
  let quits = 0;
  let nowMs = 0;
  const view = await openRecordView({
    clockMs: () => nowMs,
    ...{ stdin: keys ? screen.stdin : undefined, terminal: screen.stdout },
    ...{ title: "sqlite3 in out.rmt.gz", outputPath: "app.log" },
    onQuit: () => {
      quits += 1;
    },
  });
  opened = view;
  return {
    ...screen,
    view,
    frame: () => lastFrame(screen.frames),
    quits: () => quits,
    pass: (ms: number): void => {
      nowMs += ms;
    },
  };
}

describe("the live view of a recording", () => {
  it("shows events, their pace, bytes, what was lost, processes and memory over time", async () => {
    const { view, frame, pass } = await open(100, 24);
    view.show(totals({ events: 0, residentBytes: 1e8 }));
    pass(250);
    view.show(totals({ dropped: 12, processes: 3, alive: 2 }));
    await settle();
    expect(frame()).toMatch(/^recording sqlite3 in out.rmt.gz, 250 ms$/m);
    expect(frame()).toMatch(/1,234,567 events, 4,938,268\/s; 2.86 MiB; 12 lost; 2 of 3 processes alive$/m);
    expect(frame()).toMatch(/^resident memory: 477 MiB, at most 477 MiB$/m);
    expect(frame()).toMatch(/[\u2801-\u28ff]{20}/);
    expect(frame()).toMatch(/^q or Ctrl-C ends the program, which writes to app.log$/m);
    expect(frame()).not.toContain("events a second");
  });

  it.each([
    [80, 24],
    [200, 50],
  ])("at %i × %i looks as it is kept", async (columns, rows) => {
    const { view, frame, pass } = await open(columns, rows);
    for (let at = 0; at <= 40; at += 1) {
      const residentBytes = 2e8 * (1 + Math.abs(20 - at) / 20);
      view.show(totals({ events: 50_000 * at + 900 * at * at, residentBytes, processes: 3, alive: 2 }));
      pass(250);
    }
    await settle();
    expectFrame(`record-${columns}x${rows}`, frame());
  });

  it("says when it does not record, and why", async () => {
    const { view, frame } = await open(100, 24);
    view.show(totals({ recording: false }));
    view.notice("the time of --for is over; the program goes on unrecorded");
    await settle();
    expect(frame()).toContain("not recording now");
    expect(frame()).toContain("the time of --for is over");
  });

  it.each([
    [80, 24],
    [200, 50],
    [40, 10],
    [30, 4],
    [20, 2],
  ])("at %i × %i fits, and is a line less tall", async (columns, rows) => {
    const { view, frames } = await open(columns, rows);
    for (let at = 0; at < 5; at += 1) {
      view.show(totals({ events: at * 1000, processes: 10, recording: false }));
      view.notice(`notice ${at}, ${"long ".repeat(50)}`);
      await settle();
    }
    for (const frame of frames.map((each) => lastFrame([each]))) {
      expect(frame.split("\n").length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      expect(Math.max(...frame.split("\n").map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
    if (rows === 50) expect(lastFrame(frames)).toContain("events a second");
  });

  it("ends the program on q and on Ctrl-C", async () => {
    const { type, quits } = await open(80, 24);
    for (const key of ["x", "q", "\x03"]) type(key);
    await settle();
    expect(quits()).toBe(2);
  });

  it("leaves the keys alone where they are the program's", async () => {
    const { view, type, quits, frame } = await open(80, 24, false);
    view.show(totals());
    type("q");
    await settle();
    expect(quits()).toBe(0);
    expect(frame()).toMatch(/^Ctrl-C ends the program/m);
  });
});
