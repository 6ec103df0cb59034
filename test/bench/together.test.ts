import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onTinybench } from "../../src/bench/together.js";
import type { RoundOutcome, RoundRequest } from "../../src/engine/replayer.js";
import { AllocatorError, Interrupted, ReplayError } from "../../src/errors.js";
import { eventually } from "../cli/tool.js";
import { mockReplayExecutable } from "../engine/mock-replayer.js";

mockReplayExecutable();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "together-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let logs = 0;
function newLog(): string {
  logs += 1;
  const log = join(folder, `log-${logs}`);
  writeFileSync(log, "");
  return log;
}

interface Row {
  readonly name: string;
  readonly passes: number;
  readonly misdeed?: string;
}

const requestsOf = (rows: readonly Row[], log: string): RoundRequest[] =>
  rows.map(({ name, passes, misdeed = "" }) => ({
    ...{ mode: "timed", planPath: "/plan", order: "free", touch: "page", speed: "max", idleMs: 0 },
    warmPasses: passes,
    allocator: {
      name,
      route: "malloc",
      environment: { MOCK: misdeed, MOCK_LOG: log, MOCK_NAME: name },
    },
  })) as RoundRequest[];

/** Who did what, in the order in which it was done: `a 2` are two passes of a. */
const events = (log: string): string[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/ \d+ /, " "));

const batches = (log: string): string[] => events(log).filter((line) => / \d+$/.test(line));

const pids = (log: string): number[] => [
  ...new Set([...readFileSync(log, "utf8").matchAll(/^\S+ (\d+) /gm)].map(([, pid]) => Number(pid))),
];

const alive = (log: string): number[] =>
  pids(log).filter((pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  });

const warm = (outcome: RoundOutcome | ReplayError | undefined): number =>
  outcome === undefined || outcome instanceof ReplayError
    ? -1
    : outcome.passes.filter(({ cold }) => !cold).length;

const THREE: readonly Row[] = ["a", "b", "c"].map((name) => ({ name, passes: 10 }));

describe("rounds in turns", () => {
  it("give each allocator all its passes, in batches", async () => {
    const log = newLog();
    const outcomes = await onTinybench(1)(requestsOf(THREE, log), { round: 1 });
    expect(outcomes.map(warm)).toEqual([10, 10, 10]);
    for (const name of ["a", "b", "c"]) {
      expect(batches(log).filter((line) => line.startsWith(name))).toEqual(
        [3, 3, 2, 2].map((passes) => `${name} ${passes}`),
      );
    }
    expect(alive(log)).toEqual([]);
  });

  it("start all processes before the first batch, and end none before the last", async () => {
    const log = newLog();
    await onTinybench(1)(requestsOf(THREE, log), { round: 1 });
    const kinds = events(log).map((line) => line.replace(/^\S+ /, "").replace(/\d+/, "batch"));
    expect(kinds).toEqual([...Array(3).fill("cold"), ...Array(12).fill("batch"), ...Array(3).fill("end")]);
  });

  it("follow permutations, each followed by its reverse, and others in other rounds and by other seeds", async () => {
    const rows = ["a", "b", "c", "d", "e"].map((name) => ({ name, passes: 8 }));
    const orderOf = async (seed: number, round: number): Promise<string[]> => {
      const log = newLog();
      await onTinybench(seed)(requestsOf(rows, log), { round });
      const players = batches(log).map((line) => line.charAt(0));
      return [0, 5, 10, 15].map((at) => players.slice(at, at + 5).join(""));
    };
    const order = await orderOf(1, 1);
    for (const turn of order) expect([...turn].sort().join("")).toBe("abcde");
    const reversed = (text: string | undefined): string => [...(text ?? "")].reverse().join("");
    expect([order[1], order[3]]).toEqual([reversed(order[0]), reversed(order[2])]);
    expect(await orderOf(1, 1)).toEqual(order);
    expect(await orderOf(1, 2)).not.toEqual(order);
    expect(await orderOf(2, 1)).not.toEqual(order);
  });

  it("ask an allocator of few passes for fewer batches", async () => {
    const log = newLog();
    const rows = [
      { name: "a", passes: 9 },
      { name: "b", passes: 2 },
      { name: "c", passes: 1 },
    ];
    const outcomes = await onTinybench(1)(requestsOf(rows, log), { round: 1 });
    expect(outcomes.map(warm)).toEqual([9, 2, 1]);
    const of = (name: string): string[] => batches(log).filter((line) => line.startsWith(name));
    expect([of("a").length, of("b"), of("c")]).toEqual([4, ["b 1", "b 1"], ["c 1"]]);
  });

  it("of slow allocators alone have a batch a pass", async () => {
    const log = newLog();
    const rows = [
      { name: "a", passes: 1 },
      { name: "b", passes: 1 },
    ];
    expect((await onTinybench(1)(requestsOf(rows, log), { round: 1 })).map(warm)).toEqual([1, 1]);
    expect(batches(log).sort()).toEqual(["a 1", "b 1"]);
  });

  it("of one allocator that is asked for twice are two", async () => {
    const log = newLog();
    const twice = [THREE[0], THREE[0]] as Row[];
    expect((await onTinybench(1)(requestsOf(twice, log), { round: 1 })).map(warm)).toEqual([10, 10]);
    expect(pids(log)).toHaveLength(2);
  });

  it.each([
    ["crash-in-batch", "crashed"],
    ["garbage-in-batch", "bad-frame"],
    ["kill-in-batch", "killed"],
    ["silent-death", "crashed"],
  ])("go on without one that fails (%s)", async (misdeed, code) => {
    const log = newLog();
    const rows = THREE.map((row) => (row.name === "b" ? { ...row, misdeed } : row));
    const outcomes = await onTinybench(1)(requestsOf(rows, log), { round: 1 });
    expect(outcomes[1]).toBeInstanceOf(ReplayError);
    expect(outcomes[1]).toMatchObject({ code, allocator: "b" });
    expect([outcomes[0], outcomes[2]].map(warm)).toEqual([10, 10]);
    expect(alive(log)).toEqual([]);
  });

  it("come to an end where all fail", async () => {
    const log = newLog();
    const rows = THREE.map((row) => ({ ...row, misdeed: "crash-in-batch" }));
    const outcomes = await onTinybench(1)(requestsOf(rows, log), { round: 1 });
    expect(outcomes.map((outcome) => outcome instanceof ReplayError && outcome.code)).toEqual(
      Array(3).fill("crashed"),
    );
  });

  it("end all when one has another library than it was asked for", async () => {
    const log = newLog();
    const path = join(folder, "libpeer.so");
    writeFileSync(path, "\x7fELF no library at all", "latin1");
    const requests = requestsOf(THREE, log);
    const last = requests[2] as RoundRequest;
    const foreign = {
      ...last,
      allocator: {
        ...last.allocator,
        library: { path, realPath: path },
        environment: { ...last.allocator.environment, MOCK: "not-loaded" },
      },
    };
    const round = onTinybench(1)([...requests.slice(0, 2), foreign], { round: 1 });
    await expect(round).rejects.toThrow(AllocatorError);
    expect(alive(log)).toEqual([]);
  });

  it("end all when the signal is raised in the middle of a batch", async () => {
    const log = newLog();
    const abort = new AbortController();
    const rows = THREE.map((row) => (row.name === "c" ? { ...row, misdeed: "hang-in-batch" } : row));
    const round = onTinybench(1)(requestsOf(rows, log), { round: 1, signal: abort.signal });
    const failure = round.then(
      () => "nothing",
      (error) => error,
    );
    await eventually(() => events(log).includes("c hangs"), 10_000, "the batch that hangs");
    abort.abort();
    expect(await failure).toBeInstanceOf(Interrupted);
    expect(pids(log)).toHaveLength(3);
    expect(alive(log)).toEqual([]);
  });

  it("start nothing once the signal was raised", async () => {
    const log = newLog();
    const round = onTinybench(1)(requestsOf(THREE, log), { round: 1, signal: AbortSignal.abort() });
    await expect(round).rejects.toThrow(Interrupted);
    expect(pids(log)).toEqual([]);
  });
});
