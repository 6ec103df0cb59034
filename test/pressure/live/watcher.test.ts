import { describe, expect, it } from "vitest";
import type { PressureForecaster } from "../../../src/native/pressure.js";
import { SampleClock } from "../../../src/pressure/live/clock.js";
import type { PressureSource, Reading, SourceEnd } from "../../../src/pressure/live/source.js";
import { Watcher } from "../../../src/pressure/live/watcher.js";
import { stateAt } from "./state.js";
import { Tree } from "./tree.js";

const reading = (more: Partial<Reading> = {}): Reading => ({
  ...{ usedBytes: 500, totalBytes: 1000, swapBytes: null, psiMillipercent: 150 },
  ...more,
});

function watcher(looks: (Reading | SourceEnd | Error)[], limitBytes?: number) {
  const told: number[][] = [];
  const source: PressureSource = {
    ...{ name: "it", usedIs: "", limitIs: "" },
    read() {
      const next = looks.shift() ?? { ended: "no more" };
      if (next instanceof Error) throw next;
      return next;
    },
  };
  const forecaster: PressureForecaster = {
    observe: (...fields) => {
      const before = told.at(-1);
      told.push(fields);
      return stateAt(0, { event: before !== undefined && before[2] !== fields[2] ? "total" : "none" });
    },
  };
  let ns = 5e9;
  const clock = { nowNs: () => (ns += 1e9) };
  return { told, watcher: new Watcher(source, forecaster, clock, limitBytes), clock };
}

describe("a watcher", () => {
  it("begins at 0 and tells the forecaster what a recording would hold", () => {
    const { told, watcher: it } = watcher([reading(), reading({ usedBytes: 600, swapBytes: 7 })]);
    expect(it.look()).toMatchObject({ sample: { timeNs: 0, psiMillipercent: 150, swapBytes: null } });
    it.look();
    expect(told).toEqual([
      [0, 500, 1000, Number.NaN, 0.15, Number.NaN, Number.NaN],
      [7, 600, 1000, 7, 0.15, Number.NaN, Number.NaN],
    ]);
  });

  it("puts the limit it was given in the place of the source's", () => {
    const { told, watcher: it } = watcher([reading()], 800);
    it.look();
    expect(told[0]?.[2]).toBe(800);
  });

  it("misses a look, and gives up after five in a row", () => {
    const broken = new Error("status: it is cut off");
    const looks = [reading(), broken, reading(), broken, broken, broken, broken, broken];
    const { watcher: it } = watcher(looks);
    expect("sample" in it.look()).toBe(true);
    expect(it.look()).toMatchObject({ missed: { text: "no sample: status: it is cut off" } });
    expect("sample" in it.look()).toBe(true);
    for (let n = 0; n < 4; n += 1) expect("missed" in it.look()).toBe(true);
    expect(() => it.look()).toThrow(broken);
  });

  it("tells of kills, of throttling and of a limit that moves, once each", () => {
    const counts = { oom: 0, oomKills: 3, high: 0 };
    const { watcher: it } = watcher([
      reading({ counts }),
      reading({ counts: { oom: 1, oomKills: 5, high: 0 }, totalBytes: 2048 }),
      reading({ counts: { oom: 1, oomKills: 5, high: 9 }, totalBytes: 2048 }),
      { ended: "cgroup /db is gone" },
    ]);
    const texts = (): (readonly string[] | number)[] => {
      const seen = it.look();
      return "sample" in seen ? [seen.happenings.map(({ text }) => text), seen.oomKills] : [];
    };
    expect(texts()).toEqual([[], 0]);
    expect(texts()).toEqual([
      [
        "the limit changed: 1000 B → 2.00 KiB",
        "the kernel killed 2 processes for memory",
        "the limit was reached, and nothing could be reclaimed",
      ],
      2,
    ]);
    expect(texts()).toEqual([["memory.high was passed: the kernel slows the group down"], 0]);
    expect(it.look()).toEqual({ ended: "cgroup /db is gone" });
  });
});

describe("the clock of samples", () => {
  const clock = (uptimes: string[], monotonic: bigint[]): number[] => {
    const tree = new Tree({});
    const [first = ""] = uptimes;
    tree.write({ "proc/uptime": first });
    const it = new SampleClock(tree.files, () => monotonic.shift() ?? 0n);
    return uptimes.slice(1).map((uptime) => {
      tree.write({ "proc/uptime": uptime });
      return it.nowNs();
    });
  };

  it("counts what the machine slept through", () => {
    const times = clock(
      ["100.00 1", "101.00 1", "3702.00 1", "3703.00 1"],
      [0n, 10n ** 9n, 2n * 10n ** 9n, 3n * 10n ** 9n],
    );
    expect(times).toEqual([1e9, 3602e9, 3603e9]);
  });

  it("takes a hundredth for no sleep, and does without /proc/uptime", () => {
    expect(clock(["100.00 1", "101.01 1", "101.99 1"], [0n, 10n ** 9n, 2n * 10n ** 9n])).toEqual([1e9, 2e9]);
    const bare = new SampleClock(new Tree({}).files);
    expect(bare.nowNs()).toBeGreaterThanOrEqual(0);
  });
});
