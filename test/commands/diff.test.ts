import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/diff.js";
import type { Difference } from "../../src/trace/difference.js";
import { play } from "./world.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "diff-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Load {
  readonly transactions: number;
  /** Sizes of the blocks of each transaction, by its type. */
  readonly types: Readonly<Record<string, readonly number[]>>;
  /** Sizes of what is allocated before the first transaction. */
  readonly before?: readonly number[];
}

/** A trace of which every number is known; returns its path. */
function write(name: string, { transactions, types, before = [] }: Load): string {
  const rows = ["time_ns,event,id,size,scope,kind"];
  let [time, block, transaction] = [0, 0, 0];
  const add = (...cells: (string | number)[]): void => {
    time += 1_000_000;
    rows.push([time, ...cells].join(","));
  };
  const alloc = (size: number, scope: number | string, kind: string): number => {
    block += 1;
    add("alloc", block, size, scope, kind);
    return block;
  };
  for (const size of before) alloc(size, "", "cache");
  for (let n = 0; n < transactions; n += 1) {
    for (const [type, sizes] of Object.entries(types)) {
      transaction += 1;
      add("begin", transaction, "", "", type);
      const scope = transaction;
      const born = sizes.map((size) => alloc(size, scope, size < 100 ? "lock" : "row"));
      for (const id of born) add("free", id, "", "", "");
      add("commit", scope, "", "", "");
    }
  }
  const path = join(folder, name);
  writeFileSync(path, `${rows.join("\n")}\n`);
  return path;
}

const sizes = { order: [64, 64, 2000], payment: [500] };

async function text(...words: string[]): Promise<string> {
  return stripVTControlCharacters((await play(command, words)).stdout.toString());
}

async function json(...words: string[]): Promise<Difference> {
  const { stdout, stderr } = await play(command, [...words, "--json"]);
  expect(stderr).toBe("");
  return JSON.parse(stdout.toString()) as Difference;
}

describe("diff", () => {
  it("finds nothing where the program does the same, however often", async () => {
    const a = write("same-a.csv", { transactions: 20, types: sizes });
    const b = write("same-b.csv", { transactions: 50, types: sizes });
    expect(await text(a, b)).toMatch(
      /^same-a\.csv and same-b\.csv allocate the same to 0\.1 %: 2 blocks, 1\.28 KiB per\s+transaction\./,
    );
    const found = await json(a, b);
    expect(found).toMatchObject({ schemaVersion: 1, basis: "transaction", threshold: 0.001, notes: [] });
    for (const group of [...found.types, found.outside]) {
      expect(group).toMatchObject({ changed: false, sizes: { rows: [] }, kinds: { rows: [] } });
    }
  });

  it("names what each transaction of a type now costs: how many blocks, how many bytes, which sizes", async () => {
    const a = write("a.csv", { transactions: 20, types: sizes });
    const b = write("b.csv", {
      transactions: 30,
      types: { ...sizes, order: [...sizes.order, 128, 128, 156] },
    });
    expect((await text(a, b)).replaceAll("\n", " ")).toMatch(
      /^b\.csv allocates 3 more blocks and 412 bytes more \(\+19 %\) per order transaction than a\.csv: mostly 128-byte blocks \(\+2\)\. /,
    );
    const [order, payment] = (await json(a, b)).types;
    expect(order).toMatchObject({
      type: "order",
      changed: true,
      transactions: { a: 20, b: 30 },
      blocks: { a: 3, b: 6, delta: 3, relative: 1 },
      bytes: { a: 2128, b: 2540, delta: 412 },
      sizes: {
        rows: [
          { sizeBytes: 128, blocks: { a: 0, b: 2, delta: 2, relative: null }, bytes: { delta: 256 } },
          { sizeBytes: 156, blocks: { a: 0, b: 1, delta: 1 }, bytes: { delta: 156 } },
        ],
        below: 2,
      },
      kinds: { rows: [{ name: "row", blocks: { delta: 3 }, bytes: { delta: 412 } }], below: 1 },
      callSites: null,
    });
    expect(payment).toMatchObject({ type: "payment", changed: false });
  });

  it("holds a change against the threshold", async () => {
    const a = write("a.csv", { transactions: 10, types: { order: Array(50).fill(100) } });
    const b = write("b.csv", { transactions: 10, types: { order: Array(51).fill(100) } });
    expect(await text(a, b)).toMatch(/allocates 1 more block /);
    expect(await text(a, b, "--threshold", "1.9%")).toMatch(/allocates 1 more block /);
    expect(await text(a, b, "--threshold", "2%")).toMatch(/allocate the same to 2\.0 %/);
    await expect(play(command, [a, b, "--threshold", "0.1"])).rejects.toThrow(/Write it like 0\.1%/);
  });

  it("tells an exchange of sizes that leaves the sum as it was", async () => {
    const a = write("a.csv", { transactions: 10, types: { order: [100, 100, 300] } });
    const b = write("b.csv", { transactions: 10, types: { order: [150, 150, 200] } });
    const found = await json(a, b);
    expect(found.types[0]).toMatchObject({ changed: true, blocks: { delta: 0 }, bytes: { delta: 0 } });
    expect(found.types[0]?.sizes.rows.map(({ sizeBytes }) => sizeBytes).sort()).toEqual([100, 150, 200, 300]);
    expect(await text(a, b)).toMatch(/allocates as many blocks and as many bytes/);
  });

  it("keeps apart what a type that is new costs, and what is allocated outside", async () => {
    const a = write("a.csv", { transactions: 10, types: { order: [100] } });
    const b = write("b.csv", { transactions: 10, types: { order: [100], audit: [40] }, before: [9000] });
    const found = await json(a, b);
    expect(found.types[0]).toMatchObject({
      type: "audit",
      transactions: { a: 0, b: 10 },
      blocks: { a: 0, b: 1 },
    });
    expect(found.types[1]).toMatchObject({ type: "order", changed: false });
    expect(found.outside).toMatchObject({ changed: true, bytes: { a: 0, b: 450 } });
    expect(await text(a, b)).toMatch(
      /^Only b\.csv has audit transactions: 10, with 1 block, 40 bytes each\./,
    );
  });

  it("compares totals and rates where not both have transactions", async () => {
    const a = write("a.csv", { transactions: 0, types: {}, before: [100, 100] });
    const b = write("b.csv", { transactions: 0, types: {}, before: [100, 100, 100, 700] });
    const found = await json(a, b);
    expect(found).toMatchObject({ basis: "trace", types: [], outside: null });
    expect(found.all).toMatchObject({ blocks: { a: 2, b: 4 }, bytes: { a: 200, b: 1000 } });
    // Two blocks in the millisecond between two events, four in three; the start of the thread is an event too.
    expect(found.a.blocksPerSecond).toBeCloseTo(2000);
    expect(found.b.blocksPerSecond).toBeCloseTo(4000 / 3);
    expect(found.a.blocksPerThousandEvents).toBeCloseTo(2000 / 3);
    expect(await text(a, b)).toMatch(
      /^b\.csv allocates 2 more blocks and 800 bytes more \(\+400 %\) in all than a/,
    );

    const c = write("c.csv", { transactions: 1, types: { order: [100] } });
    expect((await json(a, c)).notes).toEqual([expect.stringMatching(/c\.csv has transactions/)]);
  });
});
