import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scoreTransactions } from "../../scripts/transaction-score.js";
import type { PipelineFilters } from "../../src/native.js";
import { runGenerated } from "../../src/trace/generated.js";
import { TraceOutput } from "../../src/trace/output.js";
import { runTrace } from "../../src/trace/source.js";
import { findTransactions } from "../../src/trace/transactions.js";
import { shippedProgram } from "../../src/workload/shipped.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "transactions-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function write(
  name: string,
  run: (onOutput: (bytes: Buffer) => Promise<void>) => Promise<unknown>,
): Promise<string> {
  const path = join(folder, name);
  const output = await TraceOutput.open(path, { format: "rmt", force: true });
  await run((bytes) => output.write(bytes));
  await output.commit();
  return path;
}

const oltp = (seed: number, threads: number): Promise<string> =>
  write("marked.rmt", (onOutput) =>
    runGenerated(
      shippedProgram("oltp-tpcc", { events: 30_000, seed, threads, liveBytes: 1024 * 1024 }),
      { kind: "rmt" },
      { onOutput },
    ),
  );

const filtered = (from: string, name: string, filters: PipelineFilters): Promise<string> =>
  write(name, (onOutput) => runTrace(from, { kind: "rmt" }, { filters, onOutput }));

describe("findTransactions", () => {
  it.each([
    [21, 1],
    [22, 2],
    [23, 4],
    [24, 4],
    [25, 3],
  ])(
    "finds the transactions of a load whose marks were taken out (seed %i, %i threads)",
    async (seed, threads) => {
      const marked = await oltp(seed, threads);
      const unmarked = await filtered(marked, "unmarked.rmt", { unmarked: true });
      const { search } = await findTransactions(unmarked);
      const found = await filtered(unmarked, "found.rmt", { boundaries: search.boundaries });
      const score = await scoreTransactions(marked, found);
      expect(score.positive).toBeGreaterThan(10_000);
      expect(score.precision).toBeGreaterThanOrEqual(0.95);
      expect(score.recall).toBeGreaterThanOrEqual(0.7);
    },
  );

  it("does not look at marks that are there", async () => {
    const marked = await oltp(26, 2);
    const unmarked = await filtered(marked, "unmarked.rmt", { unmarked: true });
    const fromMarked = await findTransactions(marked);
    const fromUnmarked = await findTransactions(unmarked);
    expect(fromMarked.search.found.phases).toBeGreaterThan(50);
    expect(fromMarked.search.boundaries).toEqual(fromUnmarked.search.boundaries);
  });

  it("keeps every block and every free when it marks", async () => {
    const marked = await oltp(27, 2);
    const { search } = await findTransactions(marked);
    const unmarked = await runTrace(marked, { kind: "inspect" }, { filters: { unmarked: true } });
    const found = await runTrace(marked, { kind: "inspect" }, { filters: { boundaries: search.boundaries } });
    expect(found.analysis?.sizes).toEqual(unmarked.analysis?.sizes);
    expect(found.analysis?.eventsByType.free).toBe(unmarked.analysis?.eventsByType.free);
    expect(found.analysis?.transactions.begun).toBe(search.found.phases);
    expect(found.analysis?.transactions.impliedFrees).toBe(0);
    const { scopedBlocks = 0, outlivingBlocks = 0 } = found.analysis?.transactions ?? {};
    expect(scopedBlocks - outlivingBlocks).toBeGreaterThanOrEqual(search.found.heldBlocks);
    expect(outlivingBlocks).toBeLessThanOrEqual(search.found.survivors);
    expect(found.header.transactions).toMatch(/not marked by the program/);
  });

  it("refuses a pipe, which can be read only once", async () => {
    await expect(findTransactions("-")).rejects.toThrow(/more than once/);
  });
});
