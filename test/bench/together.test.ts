import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { onTinybench } from "../../src/bench/together.js";
import type { RoundOutcome, RoundRequest } from "../../src/engine/replayer.js";
import { Interrupted, ReplayError } from "../../src/errors.js";
import { mockReplayExecutable } from "../engine/mock-replayer.js";

mockReplayExecutable();
const folder = mkdtempSync(join(tmpdir(), "together-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function requests(rows: readonly { name: string; passes: number; misdeed?: string }[]): {
  requests: RoundRequest[];
  order: () => [string, number][];
} {
  files += 1;
  const path = join(folder, `order-${files}`);
  return {
    requests: rows.map(({ name, passes, misdeed }) => ({
      allocator: {
        name,
        route: "malloc",
        environment: {
          MOCK_ORDER: path,
          MOCK_NAME: `:${name}`,
          ...(misdeed === undefined ? {} : { MOCK: misdeed }),
        },
      },
      ...{ mode: "timed", planPath: "/plan", order: "free", warmPasses: passes },
      ...{ touch: "page", speed: "max", idleMs: 0 },
    })) as RoundRequest[],
    order: () =>
      readFileSync(path, "utf8")
        .trim()
        .split("\n")
        .map((line) => {
          const [who = "", count] = line.split(" ");
          return [who.split(":")[1] ?? "", Number(count)];
        }),
  };
}

const passesOf = (outcome: RoundOutcome | ReplayError | undefined): number =>
  outcome === undefined || outcome instanceof ReplayError ? Number.NaN : outcome.passes.length;

describe("rounds that are played together", () => {
  it("take turns in batches, each permutation followed by its reverse", async () => {
    const { requests: asked, order } = requests([
      { name: "a", passes: 10 },
      { name: "b", passes: 10 },
      { name: "c", passes: 10 },
    ]);
    const outcomes = await onTinybench(1)(asked, { round: 1 });
    // The cold pass, and ten.
    expect(outcomes.map(passesOf)).toEqual([11, 11, 11]);
    const names = order().map(([name]) => name);
    const batches = [0, 1, 2, 3].map((batch) => names.slice(3 * batch, 3 * batch + 3));
    for (const batch of batches) expect([...batch].sort()).toEqual(["a", "b", "c"]);
    expect(batches[1]).toEqual([...(batches[0] ?? [])].reverse());
    expect(batches[3]).toEqual([...(batches[2] ?? [])].reverse());
    expect(order().map(([, passes]) => passes)).toEqual([3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2]);
  });

  it("are in the same order for the same seed, and in another for another", async () => {
    const rows = ["a", "b", "c", "d", "e"].map((name) => ({ name, passes: 4 }));
    const orders: string[] = [];
    for (const seed of [1, 1, 2]) {
      const { requests: asked, order } = requests(rows);
      await onTinybench(seed)(asked, { round: 1 });
      orders.push(order().join());
    }
    expect(orders[1]).toBe(orders[0]);
    expect(orders[2]).not.toBe(orders[0]);
  });

  it("give a slow one fewer passes", async () => {
    const { requests: asked, order } = requests([
      { name: "slow", passes: 1 },
      { name: "quick", passes: 8 },
    ]);
    const outcomes = await onTinybench(1)(asked, { round: 1 });
    expect(outcomes.map(passesOf)).toEqual([2, 9]);
    expect(order().filter(([name]) => name === "slow")).toEqual([["slow", 1]]);
  });

  it("go on without one that fails", async () => {
    const { requests: asked } = requests([
      { name: "a", passes: 8 },
      { name: "b", passes: 8, misdeed: "batch-kill" },
      { name: "c", passes: 8, misdeed: "silent-death" },
    ]);
    const [a, b, c] = await onTinybench(1)(asked, { round: 1 });
    expect(passesOf(a)).toBe(9);
    expect(b).toBeInstanceOf(ReplayError);
    expect(c).toMatchObject({ code: "crashed" });
  });

  it("end with the signal", async () => {
    const abort = new AbortController();
    const { requests: asked } = requests([
      { name: "a", passes: 8 },
      { name: "b", passes: 8, misdeed: "hang" },
    ]);
    const playing = onTinybench(1)(asked, { round: 1, signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    await expect(playing).rejects.toBeInstanceOf(Interrupted);
  });
});
