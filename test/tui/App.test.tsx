import { describe, expect, it } from "vitest";
import type { Outlook, RunProgress } from "../../src/measure/measurement-progress.js";
import { openLiveView } from "../../src/tui/live.js";
import { ratioBar } from "../../src/tui/ratioBar.js";
import { terminal } from "./terminal.js";

function progress(rows = 2): RunProgress {
  return {
    ...{ trace: "a.rmt", phase: "timed", allocator: "rustydb", round: 2, rounds: 10, fraction: undefined },
    ...{ eventsPerSecond: undefined, remainingNs: 5e9 },
    rows: [
      { allocator: "malloc", rounds: 1, ratio: undefined, peakBytes: 2 ** 21, verified: true, failed: false },
      {
        allocator: "rustydb",
        rounds: 1,
        ratio: { median: 0.62, low: 0.6, high: 0.65 },
        peakBytes: 2 ** 20,
        verified: true,
        failed: false,
      },
      ...Array.from({ length: rows - 2 }, (_, index) => ({
        ...{
          allocator: `other${index}`,
          rounds: 0,
          ratio: undefined,
          peakBytes: undefined,
          verified: null,
          failed: true,
        },
      })),
    ],
  };
}

/** Of a limit of 100 bytes, two minutes on. */
function outlook(usedBytes: number): Outlook {
  const horizon = (horizonS: number) => ({
    ...{
      horizonS,
      usedBytes,
      lowBytes: usedBytes - 5,
      highBytes: usedBytes + 5,
      highestBytes: usedBytes + 6,
    },
    ...{ crossingChance: 0.1, skill: 0.2 },
  });
  return {
    state: {
      ...{ timeS: 120, usedBytes, limitBytes: 100, trend: "increasing", slopeBytesPerS: 1, confidence: 0.5 },
      horizons: [30, 60, 120].map(horizon),
      timeToCritical: { earliestS: 40, latestS: 80 },
      ...{ level: "high", action: "gentle-eviction", changed: false, reason: null, event: "none" },
      thresholds: [0.7, 0.8, 0.9, 0.95],
    },
    ranOut: false,
    recent: Array.from({ length: 120 }, (_, timeS) => ({ timeS, value: (usedBytes * timeS) / 120 })),
  };
}

describe("the live view", () => {
  it("has drawn when show comes back, and draws nothing until it is asked again", async () => {
    const { stdin, stdout, frames } = terminal();
    const view = await openLiveView({ stdin, stdout, baseline: "malloc", onQuit: () => undefined });
    await view.show(progress());
    const shown = frames.join("");
    expect(shown).toContain("a.rmt: timing rustydb, round 2 of 10");
    expect(shown).toContain("5.00 s left");
    expect(shown).toContain("0.62× [0.60, 0.65]");
    expect(shown).toContain("1× (baseline)");
    expect(shown).toContain("2.00 MiB");
    const count = frames.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(frames.length).toBe(count);
    view.close();
  });

  it("quits on q and on Ctrl-C, which a raw terminal hands over as a key", async () => {
    const { stdin, stdout, type } = terminal();
    let quits = 0;
    const view = await openLiveView({
      stdin,
      stdout,
      baseline: "malloc",
      onQuit: () => {
        quits += 1;
      },
    });
    await view.show(progress());
    type("x");
    type("q");
    type("\x03");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(quits).toBe(2);
    view.close();
  });

  it("shows where memory is heading while it is weighed, and what became of the others", async () => {
    const { stdin, stdout, frames } = terminal(140, 24);
    const view = await openLiveView({ stdin, stdout, baseline: "malloc", onQuit: () => undefined });
    const [malloc, rustydb] = progress().rows;
    await view.show({
      ...progress(),
      phase: "memory",
      rows: [
        { ...malloc, outlook: { ...outlook(96), ranOut: true } },
        { ...rustydb, outlook: outlook(82) },
      ] as RunProgress["rows"],
    });
    const shown = frames.join("");
    expect(shown).toContain("RAN OUT after 2m 0s");
    expect(shown).toContain("high  82 % after 2m 0s, critical 40 s–80 s");
    expect(shown).toContain("+2 min");
    expect(shown).toMatch(/[⠁-⣿]{5}/);
    view.close();
  });

  it("stays below the height of the terminal", async () => {
    const { stdin, stdout, frames } = terminal(120, 12);
    const view = await openLiveView({ stdin, stdout, baseline: "malloc", onQuit: () => undefined });
    await view.show(progress(40));
    const tallest = Math.max(...frames.map((frame) => frame.split("\n").length));
    expect(tallest).toBeLessThanOrEqual(12);
    view.close();
  });
});

describe("the bar of a ratio", () => {
  it("puts 1× in the middle, half and double halfway to the ends", () => {
    expect(ratioBar(undefined, 9)).toBe("────┼────");
    expect(ratioBar({ median: 0.5, low: 0.25, high: 1 }, 9)).toBe("━━●━━────");
    expect(ratioBar({ median: 2, low: null, high: null }, 9)).toBe("────┼─●──");
  });

  it("keeps what is beyond the scale at its end", () => {
    expect(ratioBar({ median: 100, low: 50, high: 200 }, 9)).toBe("────┼───●");
    expect(ratioBar({ median: 0.001, low: 0, high: 0.01 }, 9)).toBe("●───┼────");
  });
});
