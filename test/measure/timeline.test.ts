import { describe, expect, it } from "vitest";
import type { RoundOutcome } from "../../src/engine/replayer.js";
import { ReplayError } from "../../src/errors.js";
import { memoryOf } from "../../src/measure/timeline.js";

function round(
  samples: readonly [event: number, live: number, bytes: number][],
  result: object = {},
): RoundOutcome {
  return {
    hello: { frame: "hello", mallocLibrary: "", mallocVersion: null, route: "", clockNs: 1, pid: 1 },
    passes: [],
    samples: samples.map(([event, liveBytes, bytes]) => ({
      frame: "sample",
      event,
      liveBytes,
      bytes,
      hugeBytes: event,
      weighs: true,
    })),
    reliefs: [],
    result: { frame: "result", stats: {}, ...result },
  };
}

const none = round(
  [
    [0, 0, 100],
    [10, 50, 110],
    [30, 20, 120],
  ],
  { minorFaults: 4, endBytes: 120, idleBytes: 120 },
);

describe("the memory of an allocator", () => {
  it("is what its process had, less what the same process had without it, at each event", () => {
    const own = round(
      [
        [0, 0, 130],
        [10, 50, 190],
        [30, 20, 150],
      ],
      { minorFaults: 24, endBytes: 150, idleBytes: 121 },
    );
    expect(memoryOf("a", own, none)).toEqual({
      peakBytes: 80,
      peakLiveBytes: 50,
      integratedBytes: (30 * 10 + 80 * 20) / 30,
      fragmentationAtPeak: 80 / 50 - 1,
      endBytes: 30,
      idleBytes: 1,
      minorFaults: 20,
      hugePageBytes: 30,
      timeline: [
        { event: 0, liveBytes: 0, bytes: 30 },
        { event: 10, liveBytes: 50, bytes: 80 },
        { event: 30, liveBytes: 20, bytes: 30 },
      ],
    });
  });

  it("is nothing for the empty loop itself, and never below nothing", () => {
    expect(memoryOf("none", none, none).timeline.every((point) => point.bytes === 0)).toBe(true);
    const less = round([
      [0, 0, 90],
      [10, 50, 100],
      [30, 20, 90],
    ]);
    expect(memoryOf("a", less, none)).toMatchObject({ peakBytes: 0, integratedBytes: 0, endBytes: 0 });
  });

  it.each([
    [
      "other events",
      [
        [0, 0, 1],
        [11, 50, 1],
        [30, 20, 1],
      ],
    ],
    [
      "fewer samples",
      [
        [0, 0, 1],
        [10, 50, 1],
      ],
    ],
    [
      "more samples",
      [
        [0, 0, 1],
        [10, 50, 1],
        [30, 20, 1],
        [40, 0, 1],
      ],
    ],
  ] as const)("is not made up from samples that do not match: %s", (_, samples) => {
    expect(() => memoryOf("a", round(samples as never), none)).toThrow(ReplayError);
  });
});
