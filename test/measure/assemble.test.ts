import { describe, expect, it } from "vitest";
import { ReplayError } from "../../src/errors.js";
import { resultFileSchema } from "../../src/measure/measurement.js";
import { measuredTrace, resultFile, steadyWorld } from "./sample.js";

describe("the result file", () => {
  it("is what its schema says, and the same after a way through JSON", async () => {
    const file = resultFile([await measuredTrace("a"), await measuredTrace("b")]);
    expect(resultFileSchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
  });

  it("refuses a newer version", async () => {
    const file = resultFile([await measuredTrace("a")]);
    expect(resultFileSchema.safeParse({ ...file, schemaVersion: 2 }).success).toBe(false);
  });

  it("counts ns per event over explicit events and implied frees, raw and less the loop's own", async () => {
    const file = resultFile([await measuredTrace("a")]);
    const malloc = file.results.find((result) => result.allocator === "malloc");
    expect(malloc?.warm?.rawNsPerEvent).toBeCloseTo(7, 1);
    expect(malloc?.warm?.netNsPerEvent).toBeCloseTo(6, 1);
    expect(malloc?.cold?.rawNsPerEvent).toBeCloseTo(21, 0);
    expect(malloc?.cpu?.netNsPerEvent).toBeCloseTo(5.4, 1);
    expect(malloc?.eventsPerSecond).toBeCloseTo(1e9 / (malloc?.warm?.rawNsPerEvent ?? 0), 3);
    expect(file.harness.loopNsPerEvent.a).toBeCloseTo(1, 1);
    expect(file.harness.clockNs).toBe(10);
  });

  it("compares everybody with the baseline, net and raw, and the baseline with nobody", async () => {
    const file = resultFile([await measuredTrace("a")]);
    const ratio = (name: string, metric: string, net: boolean): number | undefined =>
      file.comparisons.find((each) => each.allocator === name && each.metric === metric && each.net === net)
        ?.ratio.median;
    expect(ratio("rustydb", "warm", true)).toBeCloseTo(3 / 6, 1);
    expect(ratio("rustydb", "warm", false)).toBeCloseTo(4 / 7, 1);
    expect(ratio("jemalloc", "cpu", true)).toBeCloseTo(5 / 6, 1);
    expect(ratio("rustydb", "peak", true)).toBeCloseTo(1100 / 1500, 10);
    expect(file.comparisons.filter((each) => each.allocator === "malloc")).toEqual([]);
    expect(new Set(file.comparisons.map((each) => each.pairs))).toEqual(new Set([8, 1]));
  });

  it("has geometric means over several traces, and none over one", async () => {
    const twice = {
      ...steadyWorld,
      passNs: ({ name }: { name: string }) => ({ none: 1e3, rustydb: 19e3, malloc: 7e3 })[name] ?? 6e3,
    };
    const [a, b] = [await measuredTrace("a"), await measuredTrace("b", twice)];
    expect(resultFile([a]).geometricMeans).toEqual([]);
    const mean = resultFile([a, b]).geometricMeans.find(
      (each) => each.allocator === "rustydb" && each.metric === "warm" && each.net,
    );
    // 3/6 on the one, 18/6 on the other.
    expect(mean?.ratio.median).toBeCloseTo(Math.sqrt(0.5 * 3), 1);
    expect(mean?.traces).toBe(2);
  });

  it("leaves invalid rounds out of every figure, and says how many", async () => {
    const measured = await measuredTrace("a", {
      ...steadyWorld,
      passNs: ({ name }, tick) =>
        name === "jemalloc" && tick % 2 === 1 ? 60_000 : steadyWorld.passNs({ name } as never, tick),
      replayedPeakBytes: ({ name }, tick) => (name === "jemalloc" && tick % 2 === 1 ? 1500 : 1000),
    });
    const file = resultFile([measured]);
    const row = file.results.find((result) => result.allocator === "jemalloc");
    const invalid = row?.rounds.filter((round) => !round.valid).length ?? 0;
    expect(invalid).toBeGreaterThan(0);
    expect(row?.warm?.rawNsPerEvent).toBeCloseTo(6, 1);
    expect(file.warnings.join()).toContain(`${invalid} of 8 rounds of jemalloc are invalid and left out`);
    expect(file.warnings.join()).toContain("50.0 %");
  });

  it("states the noise floor only where the baseline was measured against itself", async () => {
    expect(resultFile([await measuredTrace("a")]).harness.noiseFloor).toBeUndefined();
    const floor = resultFile([await measuredTrace("a", steadyWorld, { aa: true })]).harness.noiseFloor?.a;
    expect(floor).toBeGreaterThan(0);
    expect(floor).toBeLessThan(0.05);
  });

  it("warns where the loop is most of what was measured", async () => {
    const measured = await measuredTrace("a", {
      ...steadyWorld,
      passNs: ({ name }) => ({ none: 1000, rustydb: 1100 })[name] ?? 5000,
    });
    expect(resultFile([measured]).warnings.join()).toContain(
      "the loop dominates: less than a fifth of the time of rustydb",
    );
  });

  it("keeps why an allocator has no figures", async () => {
    const measured = await measuredTrace("a", {
      ...steadyWorld,
      before: ({ allocator, mode }) => {
        if (allocator.name === "jemalloc" && mode === "check") {
          throw new ReplayError("corrupted-block", "jemalloc", "jemalloc: a byte changed", { event: 4 });
        }
      },
    });
    const row = resultFile([measured]).results.find((result) => result.allocator === "jemalloc");
    expect(row).toMatchObject({
      verified: false,
      failure: { code: "corrupted-block", message: "jemalloc: a byte changed", event: 4 },
    });
    expect(row?.warm).toBeUndefined();
  });
});
