import { describe, expect, it } from "vitest";
import { compareResults } from "../../src/measure/compare-results.js";
import type { ResultFile } from "../../src/measure/measurement.js";
import { differencesBetween } from "../../src/measure/result-differences.js";
import { sideBySide } from "../../src/measure/side-by-side.js";
import { measuredTrace, resultFile } from "./sample.js";

const one = async (): Promise<ResultFile> => resultFile([await measuredTrace("a")]);

/** Every ratio of an allocator made so many times larger. */
const slower = (file: ResultFile, allocator: string, times: number): ResultFile => ({
  ...file,
  comparisons: file.comparisons.map((each) =>
    each.allocator !== allocator
      ? each
      : {
          ...each,
          ratio: {
            median: each.ratio.median * times,
            low: each.ratio.low === null ? null : each.ratio.low * times,
            high: each.ratio.high === null ? null : each.ratio.high * times,
          },
        },
  ),
});

describe("comparing two results", () => {
  it("finds what became slower, and by how much, through the baseline of each run", async () => {
    const [before, now] = [await one(), slower(await one(), "rustydb", 1.5)];
    const changes = compareResults(before, now).filter(({ metric }) => metric === "warm");
    expect(changes.map(({ allocator }) => allocator)).toEqual(["rustydb", "jemalloc"]);
    const [rustydb, jemalloc] = changes;
    expect(rustydb?.change.median).toBeCloseTo(1.5, 10);
    expect(rustydb?.different).toBe(true);
    expect(rustydb).toMatchObject({ of: "ratio", net: true, trace: "a" });
    expect(jemalloc?.change.median).toBeCloseTo(1, 10);
    expect(jemalloc?.different).toBe(false);
  });

  it("does not call a difference what lies within the noise floors of both runs", async () => {
    const floor = (file: ResultFile, value: number | null): ResultFile => ({
      ...file,
      harness: { ...file.harness, noiseFloor: { a: value } },
    });
    const before = await one();
    const now = slower(before, "rustydb", 1.5);
    const judge = (a: number | null, b: number | null): boolean | undefined =>
      compareResults(floor(before, a), floor(now, b)).find(({ metric }) => metric === "warm")?.different;
    expect(judge(0.2, 0.2)).toBe(true);
    expect(judge(0.2, 0.3)).toBe(false);
    expect(judge(null, 0)).toBe(false);
  });

  it("compares peak memory in bytes, of the baseline too", async () => {
    const before = await one();
    const now = {
      ...before,
      results: before.results.map((each) =>
        each.allocator === "malloc" && each.memory
          ? { ...each, memory: { ...each.memory, peakBytes: each.memory.peakBytes * 2 } }
          : each,
      ),
    };
    const peaks = compareResults(before, now).filter(({ metric }) => metric === "peak");
    expect(peaks.find(({ allocator }) => allocator === "malloc")).toMatchObject({
      ...{ of: "bytes", different: true, change: { median: 2, low: null, high: null } },
    });
    expect(peaks.find(({ allocator }) => allocator === "rustydb")?.different).toBe(false);
  });

  it("compares no times against different baselines, and says so", async () => {
    const before = await one();
    const now: ResultFile = {
      ...before,
      options: { ...before.options, baseline: "jemalloc" },
      comparisons: before.comparisons.map((each) => ({ ...each, baseline: "jemalloc" })),
    };
    expect(compareResults(before, now).every(({ of }) => of === "bytes")).toBe(true);
    expect(
      differencesBetween({ label: "old", result: before }, { label: "new", result: now }).join("\n"),
    ).toContain("old and new have different baselines (malloc, jemalloc): their times cannot be compared.");
  });

  it("knows a trace by its content where it was renamed, and by its name where it changed", async () => {
    const before = await one();
    const rename = (file: ResultFile, name: string, sha256: string): ResultFile => ({
      ...file,
      traces: file.traces.map((each) => ({ ...each, name, sha256 })),
      results: file.results.map((each) => ({ ...each, trace: name })),
      comparisons: file.comparisons.map((each) => ({ ...each, trace: name })),
    });
    expect(compareResults(before, rename(before, "b", "ab12")).length).toBeGreaterThan(0);
    expect(compareResults(before, rename(before, "b", "cd34"))).toEqual([]);
    const changed = rename(before, "a", "cd34");
    expect(compareResults(before, changed).length).toBeGreaterThan(0);
    expect(
      differencesBetween({ label: "old", result: before }, { label: "new", result: changed }).join("\n"),
    ).toContain("a is another trace in new than in old (SHA-256 cd34 and ab12)");
  });
});

describe("results side by side", () => {
  it("say what differs between machines, options and libraries, and nothing of what does not", async () => {
    const before = await one();
    expect(differencesBetween({ label: "x", result: before }, { label: "y", result: before })).toEqual([]);
    const now: ResultFile = {
      ...before,
      host: { ...before.host, kernel: "9.9", loadAverage: [99] },
      options: { ...before.options, rounds: 99 },
      results: before.results.map((each) => ({ ...each, version: "99" })),
    };
    expect(differencesBetween({ label: "x", result: before }, { label: "y", result: now })).toEqual([
      `the kernel differs: ${before.host.kernel} in x, 9.9 in y.`,
      "--rounds differs: 8 in x, 99 in y.",
      `the version of rustydb, malloc, jemalloc differs: ${before.results[0]?.version ?? "unknown"} in x, 99 in y.`,
    ]);
  });

  it("have a row for every trace and allocator of any file, and changes against the reference", async () => {
    const made = resultFile([await measuredTrace("a"), await measuredTrace("b")]);
    const both = {
      ...made,
      traces: made.traces.map((each) => ({ ...each, sha256: each.name + each.sha256 })),
    };
    const less = await one();
    const named = [
      { path: "x/r.json", result: { ...less, traces: both.traces.slice(0, 1) } },
      { path: "y/r.json", result: both },
      { path: "new.json", result: slower(both, "rustydb", 2) },
    ];
    const beside = sideBySide(named, 1);
    expect(beside.files.map(({ label }) => label)).toEqual(["x/r.json", "y/r.json", "new"]);
    expect(beside.rows.map(({ trace, allocator }) => `${trace} ${allocator}`)).toEqual([
      ...["a rustydb", "a malloc", "a jemalloc", "b rustydb", "b malloc", "b jemalloc"],
    ]);
    const row = beside.rows.find(({ trace, allocator }) => trace === "b" && allocator === "rustydb");
    expect(row?.figures.map((figure) => figure === null)).toEqual([true, false, false]);
    expect(row?.timeChanges.slice(0, 2)).toEqual([null, null]);
    expect(row?.timeChanges[2]?.change.median).toBeCloseTo(2, 10);
    expect(beside.warnings).toContain("b is only in y/r.json.");
  });
});
