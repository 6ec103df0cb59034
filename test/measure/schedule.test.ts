import { describe, expect, it } from "vitest";
import { NONE } from "../../src/engine/allocators.js";
import { AllocatorError, Interrupted, ReplayError } from "../../src/errors.js";
import type { RunProgress } from "../../src/measure/measurement-progress.js";
import { measureTrace, type ScheduleOptions, type ScheduleRequest } from "../../src/measure/schedule.js";
import { allocator, type MockWorld, mockRunner } from "./mock-runner.js";

const malloc = allocator("malloc");
const fast = allocator("fast", "rustydb");
const slow = allocator("slow", "slab");

const OPTIONS: ScheduleOptions = {
  ...{ rounds: 6, warmup: 1, order: "free", touch: "page", speed: "max", seed: 1, maxRounds: 40, idleMs: 0 },
  ...{ verify: true, latency: true, memory: true, aa: false, untilWidth: null },
};

const NS: Readonly<Record<string, number>> = { none: 1e6, fast: 4e6, malloc: 7e6, slow: 13e6 };
const steady: MockWorld = { passNs: ({ name }) => NS[name] ?? Number.NaN, noise: 0.01 };

function measure(
  world: MockWorld,
  options: Partial<ScheduleOptions> = {},
  more: Partial<ScheduleRequest> = {},
) {
  const { run, requests } = mockRunner(world);
  const seen: RunProgress[] = [];
  const result = measureTrace({
    plan: { trace: "t", path: "/plan", measuredEvents: 1000, peakLiveBytes: 1000 },
    allocators: [fast, malloc, slow],
    baseline: malloc,
    options: { ...OPTIONS, ...options },
    run,
    view: { show: (progress) => void seen.push(progress) },
    ...more,
  });
  return { result, requests, seen };
}

describe("the schedule", () => {
  it("plays every kind of round for every allocator, and the empty loop beside them", async () => {
    const { result, requests } = measure(steady);
    const measurement = await result;
    const count = (mode: string, name: string): number =>
      requests.filter((request) => request.mode === mode && request.allocator.name === name).length;
    for (const name of ["fast", "malloc", "slow"]) {
      expect(["check", "memory", "latency", "timed"].map((mode) => count(mode, name))).toEqual([1, 1, 1, 7]);
    }
    expect(["check", "memory", "latency", "timed"].map((mode) => count(mode, "none"))).toEqual([0, 1, 0, 7]);
    expect(measurement.rows.map((row) => [row.allocator.name, row.verified, row.rounds.length])).toEqual([
      ["fast", true, 6],
      ["malloc", true, 6],
      ["slow", true, 6],
    ]);
    expect(measurement.stopped).toBeUndefined();
  });

  it("fits as many warm passes into a round as whole passes fit, opening and closing included", async () => {
    const passes = async (wholeOverMeasured: number): Promise<number> => {
      const { result } = measure({ ...steady, noise: 0, wholeOverMeasured });
      return (await result).warmPasses;
    };
    expect(await passes(1)).toBe(Math.round(0.3e9 / 7e6));
    expect(await passes(20)).toBe(Math.round(0.3e9 / (20 * 7e6)));
  });

  it("goes on after the wanted rounds only while there is a baseline to compare with", async () => {
    const before: MockWorld["before"] = ({ allocator: { name }, mode }) => {
      if (name === "malloc" && mode === "check") throw new ReplayError("crashed", name, "crashed");
    };
    const { result } = measure({ ...steady, noise: 0.3, before }, { untilWidth: 1e-6 });
    const { rows } = await result;
    expect(rows.find((row) => row.allocator.name === "fast")?.rounds).toHaveLength(6);
  });

  it("plays a round again while somebody else uses the CPU, and gives up after the third time", async () => {
    let slowUntil = 0;
    const before: MockWorld["before"] = ({ mode, allocator: { name } }, tick) => {
      if (mode === "timed" && name === "fast" && slowUntil === 0 && tick > 30) slowUntil = tick + 1;
    };
    const once = measure({ ...steady, before, probeNs: (_, tick) => (tick < slowUntil ? 2000 : 1000) });
    const { rows } = await once.result;
    expect(rows.map((row) => row.rounds.length)).toEqual([6, 6, 6]);
    const timed = once.requests.filter(({ mode }) => mode === "timed");
    // Warm-up, six rounds, and one again.
    expect(timed.filter(({ allocator: { name } }) => name === "fast")).toHaveLength(1 + 6 + 1);

    const always = measure({
      ...steady,
      probeNs: ({ name }, tick) => (name === "fast" && tick > 20 ? 2000 : 1000),
    });
    const fastRow = (await always.result).rows[0];
    expect(fastRow?.rounds).toHaveLength(6);
    const played = always.requests.filter(
      ({ mode, allocator: { name } }) => mode === "timed" && name === "fast",
    );
    expect(played.length).toBeGreaterThan(6 * 2);
    expect(played.length).toBeLessThanOrEqual(1 + 6 * 3);
  });

  it("leaves out what is not wanted", async () => {
    const { result, requests } = measure(steady, { verify: false, latency: false, memory: false });
    const { rows } = await result;
    expect(new Set(requests.map((request) => request.mode))).toEqual(new Set(["timed"]));
    expect(rows[0]).toMatchObject({ verified: null });
    expect(rows[0]?.memory).toBeUndefined();
  });

  it("asks for the recorded order where the order decides, and for the chosen one where time is taken", async () => {
    const { result, requests } = measure(steady, { order: "free" });
    await result;
    expect(new Set(requests.map(({ mode, order }) => `${mode} ${order}`))).toEqual(
      new Set(["timed free", "check recorded", "memory recorded", "latency free"]),
    );
  });

  it("chooses as many warm passes as fill the time of a round", async () => {
    const { result, requests } = measure(steady);
    const { warmPasses } = await result;
    // The median warm pass of the three takes 7 ms, the warm passes of a round 300.
    expect(warmPasses).toBeGreaterThan(40);
    expect(warmPasses).toBeLessThan(46);
    expect(requests.at(-1)?.warmPasses).toBe(warmPasses);
    const long = measure({ passNs: () => 5e9 });
    expect((await long.result).warmPasses).toBe(1);
  });

  it("interleaves: every allocator once a round, no two in a fixed order", async () => {
    const { result, requests } = measure(steady, {
      verify: false,
      latency: false,
      memory: false,
      rounds: 20,
    });
    await result;
    const timed = requests.slice(4).map((request) => request.allocator.name);
    const rounds = Array.from({ length: 20 }, (_, round) => timed.slice(round * 4, round * 4 + 4));
    for (const round of rounds) expect([...round].sort()).toEqual(["fast", "malloc", "none", "slow"]);
    const first = rounds.filter((round) => round.indexOf("fast") < round.indexOf("malloc")).length;
    expect(first).toBe(10);
  });

  it("has the same order for the same seed", async () => {
    const order = async (seed: number): Promise<string> => {
      const { result, requests } = measure(steady, { seed });
      await result;
      return requests.map((request) => request.allocator.name).join();
    };
    expect(await order(5)).toBe(await order(5));
    expect(await order(5)).not.toBe(await order(6));
  });

  it("measures the baseline a second time for A/A, in the same rounds", async () => {
    const { result, requests } = measure(steady, { aa: true });
    const { again } = await result;
    expect(again?.rounds).toHaveLength(6);
    expect(
      requests.filter((request) => request.mode === "timed" && request.allocator.name === "malloc"),
    ).toHaveLength(13);
  });

  it("adds the baseline where it is not among the allocators, and takes `none` as a row only once", async () => {
    const { result, requests } = measure(steady, {}, { allocators: [NONE, fast], baseline: malloc });
    const { rows, loop, baseline } = await result;
    expect(rows.map((row) => row.allocator.name)).toEqual(["none", "fast", "malloc"]);
    expect(rows[0]).toBe(loop);
    expect(rows[2]).toBe(baseline);
    expect(
      requests.filter((request) => request.mode === "timed" && request.allocator.name === "none"),
    ).toHaveLength(7);
  });
});

describe("--until", () => {
  it("goes on while an interval is too wide, and stops when all are narrow", async () => {
    const longPasses: MockWorld = { passNs: ({ name }) => 100 * (NS[name] ?? Number.NaN), noise: 0.1 };
    const noisy = measure(longPasses, { untilWidth: 0.05, rounds: 4, maxRounds: 200 });
    const rounds = (await noisy.result).rows[0]?.rounds.length ?? 0;
    expect(rounds).toBeGreaterThan(10);
    expect(rounds).toBeLessThan(200);
    const quiet = measure({ ...steady, noise: 0.001 }, { untilWidth: 0.05, rounds: 6 });
    expect((await quiet.result).rows[0]?.rounds).toHaveLength(6);
  });

  it("ends at --max-rounds", async () => {
    const { result } = measure({ ...steady, noise: 0.3 }, { untilWidth: 0.001, rounds: 4, maxRounds: 9 });
    expect((await result).rows[0]?.rounds).toHaveLength(9);
  });
});

describe("an allocator that fails", () => {
  const failing = (mode: string): MockWorld => ({
    ...steady,
    before: ({ allocator: { name }, mode: now }) => {
      if (name === "slow" && now === mode)
        throw new ReplayError("corrupted-block", "slow", "slow: block 7", { event: 9 });
    },
  });

  it("in the check is not verified, and not measured any further", async () => {
    const { result, requests } = measure(failing("check"));
    const { rows } = await result;
    const row = rows.find((each) => each.allocator.name === "slow");
    expect(row).toMatchObject({ verified: false, rounds: [] });
    expect(row?.failure).toMatchObject({ code: "corrupted-block", event: 9 });
    expect(requests.filter((each) => each.allocator.name === "slow").map((each) => each.mode)).toEqual([
      "timed",
      "check",
    ]);
    expect(rows.filter((each) => each.failure === undefined).every((each) => each.rounds.length === 6)).toBe(
      true,
    );
  });

  it("in the middle of the timed rounds leaves the others alone", async () => {
    let calls = 0;
    const { result } = measure({
      ...steady,
      before: ({ allocator: { name }, mode }) => {
        if (name === "slow" && mode === "timed" && ++calls === 4)
          throw new ReplayError("crashed", "slow", "crashed");
      },
    });
    const { rows } = await result;
    expect(rows.map((row) => row.rounds.length)).toEqual([6, 6, 2]);
  });

  it("ends everything when it is the empty loop, or a preload that did not load", async () => {
    const loop = measure({
      ...steady,
      before: ({ allocator: { name } }) => {
        if (name === "none") throw new ReplayError("crashed", "none", "crashed");
      },
    });
    await expect(loop.result).rejects.toThrow(ReplayError);
    const preload = measure({
      ...steady,
      before: ({ allocator: { name } }) => {
        if (name === "slow") throw new AllocatorError("preload-failed", "slow", "no");
      },
    });
    await expect(preload.result).rejects.toThrow(AllocatorError);
    expect(preload.requests.length).toBeLessThanOrEqual(4);
  });
});

describe("a schedule that is stopped", () => {
  it.each([
    ["by an interruption", new Interrupted()],
    ["by somebody who kills a replay process", new ReplayError("killed", "fast", "killed")],
  ])("%s gives what was finished, and why it ended", async (_, reason) => {
    const { result, requests } = measure({
      ...steady,
      before: (_request, tick) => {
        if (tick === 25) throw reason;
      },
    });
    const { stopped, rows } = await result;
    expect(stopped).toBe(reason);
    expect(requests).toHaveLength(26);
    expect(rows.every((row) => row.failure === undefined)).toBe(true);
    expect(rows[0]?.memory).toBeDefined();
    expect(rows[0]?.rounds.length).toBeGreaterThan(0);
    expect(rows[0]?.rounds.length).toBeLessThan(6);
  });
});

describe("a round whose live peak is not the trace's", () => {
  it("is invalid beyond 1 %, and keeps the pass that was furthest off", async () => {
    const { result } = measure({
      ...steady,
      replayedPeakBytes: ({ name }, tick) => (name === "slow" && tick % 2 === 0 ? 1011 : 991),
    });
    const { rows } = await result;
    expect(rows[0]?.rounds.every((round) => round.valid && round.replayedOverRecordedPeak === 0.991)).toBe(
      true,
    );
    const off = rows[2]?.rounds.filter((round) => !round.valid) ?? [];
    expect(off.length).toBeGreaterThan(0);
    for (const round of off) expect(round.replayedOverRecordedPeak).toBe(1.011);
  });
});

describe("progress", () => {
  it("is shown before every round, and inside of those only that are not timed", async () => {
    const { result, requests, seen } = measure(steady);
    await result;
    const inside = seen.filter((progress) => progress.fraction !== undefined);
    expect(seen.length - inside.length).toBe(requests.length);
    expect(new Set(inside.map((progress) => progress.phase))).toEqual(
      new Set(["check", "memory", "latency"]),
    );
  });

  it("tells the ratio so far, the memory, and the time left", async () => {
    const { result, seen } = measure(steady);
    await result;
    const last = seen.at(-1);
    expect(last).toMatchObject({ phase: "timed", round: 6, rounds: 6 });
    expect(last?.remainingNs).toBeGreaterThan(0);
    const row = last?.rows.find((each) => each.allocator === "fast");
    expect(row?.ratio?.median).toBeCloseTo(0.5, 1);
    expect(row).toMatchObject({ peakBytes: 1100, verified: true, failed: false });
  });

  it("tells memory over the trace as it is weighed, and keeps it", async () => {
    const { run } = mockRunner(steady);
    const counts: (number | undefined)[] = [];
    let last: RunProgress | undefined;
    const { result } = measure(
      steady,
      {},
      {
        run: (request, options = {}) =>
          run(request, {
            ...options,
            onSample: (sample, index) => {
              options.onSample?.(sample, index);
              options.onProgress?.({ frame: "progress", pass: 0, done: sample.event, total: 20 });
            },
          }),
        view: {
          show: (progress) => {
            const row = progress.rows.find(({ allocator: name }) => name === "fast");
            if (progress.phase === "memory" && progress.allocator === "fast")
              counts.push(row?.memory?.length);
            last = progress;
          },
        },
      },
    );
    await result;
    // Before the round, at its own word, and behind each of three looks.
    expect(counts).toEqual([0, 0, 1, 2, 3]);
    expect(last?.events).toBe(20);
    expect(last?.rows.find(({ allocator: name }) => name === "fast")?.memory).toEqual([
      { event: 0, liveBytes: 0, bytes: 100 },
      { event: 10, liveBytes: 1000, bytes: 1100 },
      { event: 20, liveBytes: 500, bytes: 600 },
    ]);
  });

  it("tells latency once it is known, and the pace of the round before", async () => {
    const { result, seen } = measure({ ...steady, noise: 0 });
    await result;
    const latency = (progress: RunProgress | undefined) => progress?.rows[0]?.latency?.alloc?.p9999;
    expect(latency(seen.find(({ phase }) => phase === "memory"))).toBeUndefined();
    expect(latency(seen.at(-1))).toBe(5);
    expect(seen.at(-1)?.rows[0]?.clockNs).toBe(10);
    const timed = seen.filter(({ phase, allocator: name }) => phase === "timed" && name === "fast");
    expect(timed[0]?.eventsPerSecond).toBeUndefined();
    // A thousand events in 4 ms.
    expect(timed[1]?.eventsPerSecond).toBeCloseTo(250_000);
  });

  it.each([
    ["as a rule", {}],
    ["with A/A, without the other rounds", { aa: true, verify: false, latency: false, memory: false }],
    ["until intervals are narrow", { untilWidth: 1e-9, maxRounds: 8 }],
  ])("goes from 0 to 1 %s", async (_, options) => {
    const { result, seen, requests } = measure(steady, options);
    await result;
    const shares = seen.map(({ overall }) => overall ?? Number.NaN);
    expect(shares[0]).toBe(0);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeCloseTo(1 - 1 / requests.length);
  });
});
