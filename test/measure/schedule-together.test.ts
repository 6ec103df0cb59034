import { describe, expect, it } from "vitest";
import { NONE } from "../../src/engine/allocators.js";
import type { RoundOutcome, RoundRequest } from "../../src/engine/replayer.js";
import { Interrupted, ReplayError } from "../../src/errors.js";
import { pairsOf } from "../../src/measure/figures.js";
import type { RunProgress } from "../../src/measure/measurement-progress.js";
import { measureTrace, type ScheduleOptions, type TogetherRunner } from "../../src/measure/schedule.js";
import { allocator, type MockWorld, mockRunner } from "./mock-runner.js";

const malloc = allocator("malloc");
const fast = allocator("fast", "rustydb");
const slow = allocator("slow", "slab");

const NS: Readonly<Record<string, number>> = { none: 1e6, fast: 4e6, malloc: 20e6, slow: 100e6 };

const OPTIONS: ScheduleOptions = {
  ...{ rounds: 6, warmup: 1, order: "free", touch: "page", speed: "max", seed: 1, maxRounds: 40, idleMs: 0 },
  ...{ verify: false, latency: false, memory: false, aa: false, untilWidth: null, roundNs: 100e6 },
};

interface Asked {
  readonly round: number;
  readonly requests: readonly RoundRequest[];
}

/** @param fails what an allocator fails with in a round, if it does */
function measure(
  fails: (name: string, round: number) => Error | undefined = () => undefined,
  options: Partial<ScheduleOptions> = {},
  world: MockWorld = { passNs: ({ name }) => NS[name] ?? Number.NaN },
) {
  const { run } = mockRunner(world);
  const asked: Asked[] = [];
  const seen: RunProgress[] = [];
  const together: TogetherRunner = async (requests, { round }) => {
    asked.push({ round, requests });
    const outcomes: (RoundOutcome | ReplayError)[] = [];
    for (const request of requests) {
      const failure = fails(request.allocator.name, round);
      if (failure !== undefined && !(failure instanceof ReplayError)) throw failure;
      outcomes.push(failure ?? (await run(request)));
    }
    return outcomes;
  };
  const result = measureTrace({
    plan: { trace: "t", path: "/plan", measuredEvents: 1000, peakLiveBytes: 1000 },
    allocators: [fast, malloc, slow],
    baseline: malloc,
    options: { ...OPTIONS, ...options },
    run,
    view: { show: (progress) => void seen.push(progress) },
    together,
  });
  return { result, asked, seen };
}

const names = ({ requests }: Asked): string[] => requests.map((request) => request.allocator.name);

describe("timed rounds that are played together", () => {
  it("have everybody in every round, and pair those of the same number", async () => {
    // Rounds differ tenfold: whoever paired round 1 with round 2 would see it.
    let round = 0;
    const world: MockWorld = { passNs: ({ name }) => (NS[name] ?? 0) * (1 + 9 * (round % 2)) };
    const { result, asked } = measure(
      (_, number) => {
        round = number;
        return undefined;
      },
      {},
      world,
    );
    const { rows, loop } = await result;
    expect(asked.map((each) => each.round)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const each of asked) expect(names(each).sort()).toEqual(["fast", "malloc", "none", "slow"]);
    const [own, base] = rows;
    const pairs = pairsOf(own?.rounds ?? [], base?.rounds ?? [], "warm", loop.rounds);
    expect(pairs).toHaveLength(6);
    for (const { value, baseline } of pairs) expect(value / baseline).toBeCloseTo(3 / 19, 6);
  });

  it("ask each for as many passes as fit into the time of a round", async () => {
    const { result, asked } = measure();
    await result;
    const passes = Object.fromEntries(
      (asked[0]?.requests ?? []).map(({ allocator: { name }, warmPasses }) => [name, warmPasses]),
    );
    expect(passes).toEqual({ none: 100, fast: 25, malloc: 5, slow: 1 });
    for (const { requests } of asked) for (const { mode } of requests) expect(mode).toBe("timed");
  });

  it("measure the baseline twice where A/A was asked for, with the same passes", async () => {
    const { result, asked } = measure(undefined, { aa: true });
    const { again, baseline } = await result;
    const twice = asked[0]?.requests.filter(({ allocator: { name } }) => name === "malloc") ?? [];
    expect(twice.map(({ warmPasses }) => warmPasses)).toEqual([5, 5]);
    expect([again?.rounds.length, baseline.rounds.length]).toEqual([6, 6]);
  });

  it("go on without a row that failed, which keeps its reason and what it had", async () => {
    const { result, asked } = measure((name, round) =>
      name === "slow" && round === 3 ? new ReplayError("crashed", name, "slow crashed") : undefined,
    );
    const { rows, stopped } = await result;
    expect(stopped).toBeUndefined();
    expect(rows.map((row) => [row.allocator.name, row.rounds.length, row.failure?.code])).toEqual([
      ["fast", 6, undefined],
      ["malloc", 6, undefined],
      ["slow", 2, "crashed"],
    ]);
    expect(asked.map((each) => names(each).includes("slow"))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("throw where the empty loop fails", async () => {
    const { result } = measure((name) =>
      name === NONE.name ? new ReplayError("crashed", name, "none crashed") : undefined,
    );
    await expect(result).rejects.toMatchObject({ code: "crashed", allocator: "none" });
  });

  it.each([
    ["a kill", new ReplayError("killed", "fast", "fast was killed")],
    ["an interruption", new Interrupted()],
  ])("are cut short by %s, with what was finished", async (_, failure) => {
    const { result } = measure((name, round) => (name === "fast" && round === 4 ? failure : undefined));
    const { rows, stopped } = await result;
    expect(stopped).toBe(failure);
    expect(rows.map((row) => Math.min(3, row.rounds.length))).toEqual([3, 3, 3]);
    expect(rows[0]?.rounds).toHaveLength(3);
  });

  it("go on until the intervals are narrow", async () => {
    const { result, asked } = measure(undefined, { rounds: 4, untilWidth: 0.02, maxRounds: 50 });
    await result;
    // Without noise they are at once.
    expect(asked).toHaveLength(4);
    const noisy = measure(
      undefined,
      { rounds: 4, untilWidth: 1e-9, maxRounds: 9 },
      { passNs: ({ name }) => NS[name] ?? Number.NaN, noise: 0.3 },
    );
    await noisy.result;
    expect(noisy.asked).toHaveLength(9);
  });

  it("are shown without the name of one allocator", async () => {
    const { result, seen } = measure();
    await result;
    const timed = seen.filter(({ phase }) => phase === "timed");
    expect(timed.map(({ allocator: name, round }) => [name, round])).toEqual(
      [1, 2, 3, 4, 5, 6].map((round) => [undefined, round]),
    );
  });
});
