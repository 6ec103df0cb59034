import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Allocator } from "../../src/engine/allocators.js";
import { RequestedRound, type RoundRequest } from "../../src/engine/replayer.js";
import { AllocatorError, Interrupted, type ReplayError } from "../../src/errors.js";
import { eventually } from "../cli/tool.js";
import { mockReplayExecutable } from "./mock-replayer.js";

mockReplayExecutable();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "requested-round-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let logs = 0;
function request(misdeed = "", more: Partial<Allocator> = {}): RoundRequest & { readonly log: string } {
  logs += 1;
  const log = join(folder, `log-${logs}`);
  writeFileSync(log, "");
  const environment = { MOCK: misdeed, MOCK_LOG: log, MOCK_NAME: "m" };
  return {
    ...{ mode: "timed", planPath: "/plan", order: "free", warmPasses: 9, touch: "page", speed: "max" },
    ...{ idleMs: 0, log },
    allocator: { name: "malloc", route: "malloc", ...more, environment },
  } as RoundRequest & { log: string };
}

/** What the process was asked for, and its number. */
const said = (log: string): string[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ")[2] as string);
const pidOf = (log: string): number => Number(readFileSync(log, "utf8").split(" ")[1]);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "nothing",
    (error) => error,
  );

describe("a round on request", () => {
  it("gives the passes of each batch, and all of them in the end", async () => {
    const asked = request();
    const round = new RequestedRound(asked);
    expect((await round.started()).map(({ cold }) => cold)).toEqual([true]);
    expect(await round.batch(2)).toHaveLength(2);
    const one = await round.batch(1);
    expect(one.map(({ cold, wallNs }) => [cold, wallNs])).toEqual([[false, 12e6]]);
    const { hello, passes, result } = await round.finish();
    expect(hello).toMatchObject({ mallocLibrary: "/lib/libc.so.6", route: "malloc" });
    expect(passes.map(({ cold }) => cold)).toEqual([true, false, false, false]);
    expect(result.stats).toEqual({ refills: 3 });
    expect(said(asked.log)).toEqual(["cold", "2", "1", "end"]);
    expect(isAlive(pidOf(asked.log))).toBe(false);
  });

  it("is complete without a batch", async () => {
    const round = new RequestedRound(request());
    await round.started();
    expect((await round.finish()).passes).toHaveLength(1);
  });

  it.each([
    ["crash-in-batch", "crashed", /crashed with SIGABRT.*double free/s],
    ["kill-in-batch", "killed", /was killed \(SIGKILL/],
    ["garbage-in-batch", "bad-frame", /said what is no frame.*nonsense/],
  ])("that fails in a batch is a failure of the allocator: %s", async (misdeed, code, message) => {
    const asked = request(misdeed);
    const round = new RequestedRound(asked);
    await round.started();
    await round.batch(1);
    const error = (await thrown(round.batch(1))) as ReplayError;
    expect(error).toMatchObject({ name: "ReplayError", code, allocator: "malloc" });
    expect(error.message).toMatch(message);
    expect(isAlive(pidOf(asked.log))).toBe(false);
    // It stays so, whatever it is asked for.
    expect(await thrown(round.finish())).toMatchObject({ code });
  });

  it("that crashes before its first pass fails when it starts", async () => {
    expect(await thrown(new RequestedRound(request("silent-death")).started())).toMatchObject({
      code: "crashed",
    });
  });

  it("that comes to its end in the middle of a batch is no measurement", async () => {
    const round = new RequestedRound(request("end-in-batch"));
    await round.started();
    await round.batch(1);
    expect(await thrown(round.batch(1))).toMatchObject({
      code: "bad-frame",
      message: expect.stringContaining("ended before it had played"),
    });
  });

  it("whose preload did not load is an error about the allocator", async () => {
    const path = join(folder, "libpeer.so");
    writeFileSync(path, "\x7fELF no library at all", "latin1");
    const error = await thrown(
      new RequestedRound(request("not-loaded", { library: { path, realPath: path } })).started(),
    );
    expect(error).toBeInstanceOf(AllocatorError);
    expect(error).toMatchObject({ code: "preload-failed" });
  });

  it.each([
    ["while it sleeps", ""],
    ["while it plays", "hang-in-batch"],
  ])("is interrupted %s, and no process is left", async (_, misdeed) => {
    const abort = new AbortController();
    const asked = request(misdeed);
    const round = new RequestedRound(asked, { signal: abort.signal });
    await round.started();
    await round.batch(1);
    const batch = misdeed === "" ? undefined : thrown(round.batch(1));
    if (batch !== undefined) await eventually(() => said(asked.log).includes("hangs"), 10_000, "the batch");
    abort.abort();
    expect(await (batch ?? thrown(round.batch(1)))).toBeInstanceOf(Interrupted);
    expect(await thrown(round.finish())).toBeInstanceOf(Interrupted);
    expect(isAlive(pidOf(asked.log))).toBe(false);
  });

  it("is not started once the signal was raised", () => {
    expect(() => new RequestedRound(request(), { signal: AbortSignal.abort() })).toThrow(Interrupted);
  });

  it.each(["", "hang-in-batch"])("leaves no process when it is abandoned (%s)", async (misdeed) => {
    const asked = request(misdeed);
    const round = new RequestedRound(asked);
    await round.started();
    await round.batch(1);
    const batch = misdeed === "" ? undefined : thrown(round.batch(1));
    if (batch !== undefined) await eventually(() => said(asked.log).includes("hangs"), 10_000, "the batch");
    await round.abandon();
    expect(isAlive(pidOf(asked.log))).toBe(false);
    if (batch !== undefined) expect(await batch).toMatchObject({ code: "killed" });
    // Twice is as good as once.
    await round.abandon();
  });
});
