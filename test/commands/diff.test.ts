import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/diff.js";
import { type Difference, difference, type ProfiledTrace } from "../../src/trace/difference.js";
import { runTrace } from "../../src/trace/source.js";
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

type Births = readonly [count: number, size: number, ...frames: string[]];

/** An interpreted heaptrack file of blocks from these stacks, innermost first, which are numbered as they come. */
function writeStacks(name: string, ...births: readonly Births[]): string {
  const lines = ["v 10400 3"];
  const instructions: string[] = [];
  const instruction = (text: string): number => {
    if (!instructions.includes(text)) {
      instructions.push(text);
      lines.push(
        `s ${text.length.toString(16)} ${text}`,
        `i ${instructions.length} 0 ${instructions.length.toString(16)}`,
      );
    }
    return instructions.indexOf(text) + 1;
  };
  let stacks = 0;
  for (const [allocation, [count, size, ...frames]] of births.entries()) {
    let caller = 0;
    for (const frame of [...frames].reverse()) {
      lines.push(`t ${instruction(frame).toString(16)} ${caller.toString(16)}`);
      stacks += 1;
      caller = stacks;
    }
    lines.push(`a ${size.toString(16)} ${caller.toString(16)}`);
    for (let n = 0; n < count; n += 1) lines.push(`+ ${allocation.toString(16)}`);
  }
  const path = join(folder, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
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

  it("compares call sites by their functions, whatever their numbers are", async () => {
    const a = writeStacks(
      "before.heaptrack",
      [4, 100, "malloc", "make_row", "insert", "main"],
      [2, 50, "make_row", "update", "main"],
      [1, 4096, "xmalloc", "make_page", "main"],
    );
    const b = writeStacks(
      "after.heaptrack",
      [3, 24, "lock", "insert", "main"],
      [1, 4096, "operator new(unsigned long)", "make_page", "main"],
      [2, 50, "make_row", "update", "main"],
      [1, 100, "make_row", "insert", "main"],
      [4, 120, "malloc", "make_row", "insert", "main"],
    );
    const { all, notes } = await json(a, b);
    expect(notes).toEqual([]);
    expect(all.callSites).toEqual({
      rows: [
        {
          frames: ["make_row", "insert", "main"],
          blocks: { a: 4, b: 5, delta: 1, relative: 0.25 },
          bytes: { a: 400, b: 580, delta: 180, relative: 0.45 },
        },
        {
          frames: ["lock", "insert", "main"],
          blocks: { a: 0, b: 3, delta: 3, relative: null },
          bytes: { a: 0, b: 72, delta: 72, relative: null },
        },
      ],
      below: 2,
      different: 4,
    });
    expect(await text(a, b)).toContain(
      [
        "In the whole trace, by call site",
        "  4 → 5 blocks (+1), 400 B → 580 B (+180 B)",
        "    make_row",
        "    insert",
        "    main",
        "  0 → 3 blocks (+3), 0 B → 72 B (+72 B)",
        "    lock",
        "    insert",
        "    main",
        "  and 2 not above it",
      ].join("\n"),
    );
    const same = await json(b, b);
    expect(same.all).toMatchObject({ changed: false, callSites: { rows: [], below: 4, different: 4 } });
    expect(await text(b, b)).not.toContain("call site");
  });

  it("tells where only the call sites are others", async () => {
    const a = writeStacks("a.heaptrack", [2, 64, "sort", "main"]);
    const b = writeStacks("b.heaptrack", [2, 64, "hash", "main"]);
    expect((await json(a, b)).all).toMatchObject({
      changed: true,
      sizes: { rows: [] },
      callSites: { different: 2 },
    });
    expect((await text(a, b)).replaceAll("\n", " ")).toMatch(
      /^b\.heaptrack allocates as many blocks and as many bytes in all as a\.heaptrack, but from other call sites\./,
    );
  });

  it("says nothing of call sites where there are none, and that they are not compared where one trace has some", async () => {
    const a = write("a.csv", { transactions: 0, types: {}, before: [100] });
    const b = writeStacks("b.heaptrack", [1, 200, "main"]);
    const none = await json(a, a);
    expect(none).toMatchObject({ all: { callSites: null }, notes: [] });
    const { all, notes } = await json(a, b);
    expect(all.callSites).toBeNull();
    expect(notes).toEqual(["Only b.heaptrack has call sites: they are not compared."]);
  });

  it("does not believe changes of estimates that chance can make", async () => {
    const path = writeStacks("a.heaptrack", [1, 64, "sort", "main"], [1, 64, "hash", "main"]);
    const { file, header, report, analysis, profile, callTable } = await runTrace(path, { kind: "profile" });
    if (analysis === null || profile === null) throw new Error("no profile");
    const numbers = profile.outside.callSites?.map(({ site }) => site) ?? [];
    expect(numbers).toHaveLength(2);
    /** Estimates of the blocks of both sites, each from samples that stand for ten. */
    const sampled = (...samples: readonly number[]): ProfiledTrace => {
      const callSites = samples.map((count, at) => ({
        site: numbers[at] ?? 0,
        samples: count,
        blocks: count * 10,
        bytes: count * 640,
        blocksVariance: count * 90,
        bytesVariance: count * 90 * 64 ** 2,
      }));
      const outside = { ...profile.outside, blocks: 400, bytes: 25_600, callSites };
      return {
        file,
        header: { ...header, stackBytes: "607" },
        report,
        analysis,
        callTable,
        profile: { ...profile, outside },
      };
    };
    // Of 20 samples the standard error is 42 blocks, of the change from 20 to 33 it is 69; that from 20 to 50 has 79.
    const found = difference(sampled(20, 20), sampled(33, 50), 0.001);
    expect(found.all.callSites).toMatchObject({
      rows: [{ frames: ["hash", "main"], blocks: { a: 200, b: 500, delta: 300 } }],
      below: 1,
    });
    expect(found.notes).toEqual([
      expect.stringMatching(
        /^What call sites allocate is estimated, from a stack every 607 B on average.*standard errors\.$/,
      ),
    ]);
  });
});
