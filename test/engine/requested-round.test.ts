import { describe, expect, it } from "vitest";
import type { Allocator } from "../../src/engine/allocators.js";
import { RequestedRound, type RoundRequest } from "../../src/engine/replayer.js";
import { Interrupted, ReplayError } from "../../src/errors.js";
import { mockReplayExecutable } from "./mock-replayer.js";

mockReplayExecutable();

function request(misdeed = ""): RoundRequest {
  const allocator: Allocator = {
    name: "malloc",
    route: "malloc",
    environment: misdeed === "" ? {} : { MOCK: misdeed },
  };
  return {
    ...{ allocator, mode: "timed", planPath: "/plan", order: "free", warmPasses: 9 },
    ...{ touch: "page", speed: "max", idleMs: 0 },
  } as RoundRequest;
}

const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

describe("a round on request", () => {
  it("plays the cold pass, then batches of what it is asked for, and tells all at the end", async () => {
    const round = new RequestedRound(request());
    expect((await round.started()).map(({ cold }) => cold)).toEqual([true]);
    expect(await round.batch(3)).toHaveLength(3);
    expect((await round.batch(1)).map(({ cold, wallNs }) => [cold, wallNs])).toEqual([[false, 12e6]]);
    const { passes, result, hello } = await round.finish();
    expect(passes.map(({ cold }) => cold)).toEqual([true, false, false, false, false]);
    expect(result.stats).toEqual({ batches: 2 });
    expect(hello.route).toBe("malloc");
  });

  it.each([
    ["silent-death", "crashed"],
    ["garbage", "bad-frame"],
    ["early-failure", "bad-plan"],
  ])("tells of a process that does wrong at its start: %s", async (misdeed, code) => {
    const error = await failureOf(new RequestedRound(request(misdeed)).started());
    expect(error).toBeInstanceOf(ReplayError);
    expect(error).toMatchObject({ code });
  });

  it.each([
    ["batch-kill", "crashed"],
    ["batch-garbage", "bad-frame"],
  ])("tells of a process that does wrong in a batch: %s", async (misdeed, code) => {
    const round = new RequestedRound(request(misdeed));
    await round.started();
    await round.batch(2);
    expect(await failureOf(round.batch(2))).toMatchObject({ code });
  });

  it("stops with the signal, and leaves no process", async () => {
    const abort = new AbortController();
    const round = new RequestedRound(request(), { signal: abort.signal });
    await round.started();
    abort.abort();
    expect(await failureOf(round.batch(1))).toBeInstanceOf(Interrupted);
  });

  it("can be given up", async () => {
    const round = new RequestedRound(request());
    await round.started();
    await round.abandon();
    expect(await failureOf(round.finish())).toBeInstanceOf(ReplayError);
  });
});
