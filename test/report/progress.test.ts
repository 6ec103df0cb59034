import { describe, expect, it } from "vitest";
import { overallShare, progressLine, type RunProgress } from "../../src/measure/measurement-progress.js";
import { LineProgress } from "../../src/report/progress.js";

const timed: RunProgress = {
  ...{ trace: "a.rmt", phase: "timed", allocator: "jemalloc", round: 3, rounds: 10, fraction: undefined },
  ...{ eventsPerSecond: undefined, remainingNs: 12.4e9, rows: [] },
};

function stream(): { readonly lines: string[]; readonly stream: NodeJS.WriteStream } {
  const lines: string[] = [];
  return {
    lines,
    stream: { columns: 50, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream,
  };
}

describe("progress", () => {
  it("says phase, allocator, round k of n and the time left", () => {
    expect(progressLine(timed)).toBe("a.rmt: timing jemalloc, round 3 of 10, 12.4 s left");
    const check: RunProgress = {
      ...timed,
      phase: "check",
      round: 1,
      rounds: 1,
      fraction: 0.5,
      eventsPerSecond: 2e6,
      remainingNs: undefined,
    };
    expect(progressLine(check)).toBe("a.rmt: checking jemalloc, 50 %, 2,000,000 events/s");
  });

  it("says where in its suites it is, and how much of all is done", () => {
    const suite = { name: "hot-path", case: 3, cases: 10, suite: 2, suites: 5 };
    const benching: RunProgress = { ...timed, trace: "hot-path/pairs", overall: 0.5, suite };
    expect(progressLine(benching)).toBe(
      "hot-path 3 of 10, suite 2 of 5: hot-path/pairs: timing jemalloc, round 3 of 10, 12.4 s left",
    );
    expect(overallShare(benching)).toBeCloseTo((1 + 0.25) / 5);
    expect(overallShare({ ...timed, overall: 0.5 })).toBe(0.5);
    expect(overallShare(timed)).toBeUndefined();
  });

  it("writes a line over on a terminal, never longer than it, and takes it away at the end", () => {
    const { lines, stream: out } = stream();
    const view = new LineProgress(out, true);
    view.show({ ...timed, trace: "a very long name of a trace that goes on and on.rmt" });
    view.close();
    expect(lines).toHaveLength(2);
    expect(lines[0]?.startsWith("\r\x1b[K")).toBe(true);
    expect((lines[0]?.length ?? 0) - 4).toBeLessThan(50);
    expect(lines[1]).toBe("\r\x1b[K");
  });

  it("writes plain lines elsewhere: one when the phase changes, not one a round", () => {
    const { lines, stream: out } = stream();
    const view = new LineProgress(out, false);
    view.show(timed);
    view.show({ ...timed, round: 4 });
    view.show({ ...timed, phase: "memory", remainingNs: undefined, rounds: 1 });
    view.close();
    expect(lines).toEqual([
      "a.rmt: timing jemalloc, round 3 of 10, 12.4 s left\n",
      "a.rmt: weighing memory jemalloc\n",
    ]);
  });
});
