import { describe, expect, it } from "vitest";
import { isDisturbed, pairsOf } from "../../src/measure/figures.js";
import type { Round } from "../../src/measure/measurement.js";

function round(warmNs: number[], warmProbeNs?: number[], more: Partial<Round> = {}): Round {
  return {
    ...{ round: 1, coldNs: 1, warmNs, cpuNs: 1, coldCpuNs: 1, warmCpuNs: warmNs },
    ...(warmProbeNs === undefined ? {} : { warmProbeNs, fastestProbeNs: 100 }),
    ...{ replayedOverRecordedPeak: 1, valid: true },
    ...more,
  };
}

const warm = (of: Round): number | undefined =>
  pairsOf([of], [round([1], [100])], "warm").map((pair) => pair.value)[0];

describe("the time of a round", () => {
  it("is the median of the passes at full speed, the allocator's own slow ones included", () => {
    expect(warm(round([10, 12, 30, 90, 95], [100, 101, 103, 150, 160]))).toBe(12);
    expect(warm(round([10, 30, 30, 30], [100, 100, 100, 100]))).toBe(30);
  });

  it("is the lower quartile of all where hardly a pass ran at full speed", () => {
    const disturbed = round([20, 30, 40, 50, 60], [200, 200, 200, 200, 100]);
    expect(isDisturbed(disturbed)).toBe(true);
    expect(warm(disturbed)).toBe(30);
  });

  it("is the median of all where nobody probed", () => {
    expect(warm(round([10, 20, 30]))).toBe(20);
  });
});

describe("pairsOf", () => {
  it("leaves out rounds that strayed, but never for what the empty loop did", () => {
    const loop = [round([1], [100], { valid: false })];
    expect(pairsOf([round([10])], [round([5])], "warm", loop)).toEqual([{ value: 9, baseline: 4 }]);
    expect(pairsOf([round([10], undefined, { valid: false })], [round([5])], "warm", loop)).toEqual([]);
  });
});
