import { describe, expect, it } from "vitest";
import { chosenOf, pressureOf, readHost, stealShareOf } from "../../src/measure/host.js";
import { resultFileSchema } from "../../src/measure/measurement.js";
import { judgeHost, judgeNoise } from "../../src/measure/measurement-fitness.js";

describe("the host", () => {
  it("is described by what this machine tells, in the shape of the result file", () => {
    const host = readHost();
    expect(resultFileSchema.shape.host.parse(host)).toEqual(host);
    expect(host.cores).toBeGreaterThan(0);
    expect(host.memoryBytes).toBeGreaterThan(2 ** 20);
  });

  it("reads the chosen one of a list in brackets", () => {
    expect(chosenOf("always [madvise] never")).toBe("madvise");
    expect(chosenOf(null)).toBeNull();
  });

  it("reads pressure as a share, and null where the kernel has none", () => {
    expect(pressureOf("some avg10=1.50 avg60=0.42 avg300=0.1 total=9\nfull avg10=0.00 total=0")).toBe(0.015);
    expect(pressureOf(null)).toBeNull();
    expect(pressureOf("")).toBeNull();
  });

  it("reads steal as a share of all ticks, guests not counted twice", () => {
    expect(stealShareOf("cpu  50 0 20 20 5 0 0 5 40 0\ncpu0 1 1 1 1")).toBeCloseTo(0.05, 10);
    expect(stealShareOf(null)).toBeNull();
    expect(stealShareOf("cpu 1 2 3")).toBeNull();
  });
});

describe("fitness", () => {
  const quiet = {
    ...readHost(),
    ...{
      cores: 8,
      loadAverage: [0.1, 0.1, 0.1],
      governor: "performance",
      stealShare: 0,
      aslr: 2,
      virtualMachine: false,
    },
    ...{ availableMemoryBytes: 8 * 2 ** 30, cgroupLimitBytes: null, transparentHugePages: "madvise" },
    pressure: { cpu: 0, memory: 0, io: 0 },
  };
  const verdicts = (change: object): string[] =>
    judgeHost({ ...quiet, ...change })
      .filter((finding) => finding.verdict !== "good")
      .map((finding) => `${finding.verdict} ${finding.subject}`);

  it("finds nothing to say of a quiet machine", () => {
    expect(verdicts({})).toEqual([]);
  });

  it.each([
    [{ cores: 1 }, "warn CPUs"],
    [{ loadAverage: [5, 1, 1] }, "warn load"],
    [{ governor: "powersave" }, "warn CPU frequency"],
    [{ stealShare: 0.2 }, "warn CPU time stolen since boot"],
    [{ cgroupLimitBytes: 2 ** 28 }, "warn memory"],
    [{ transparentHugePages: "always" }, "note transparent huge pages"],
    [{ aslr: 0 }, "note address randomisation"],
    [{ pressure: { cpu: 0.5, memory: 0, io: 0 } }, "warn tasks waiting for a CPU"],
  ])("has a word about %j", (change, verdict) => {
    expect(verdicts(change)).toContain(verdict);
  });

  it("warns of a noise floor that hides what is asked for", () => {
    expect(judgeNoise(0.01).verdict).toBe("good");
    expect(judgeNoise(0.2)).toMatchObject({ verdict: "warn", advice: expect.stringContaining("--until") });
  });
});
