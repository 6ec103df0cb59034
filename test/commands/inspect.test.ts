import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/inspect.js";
import type { Inspection } from "../../src/trace/event.js";
import { androidText } from "../trace/packed.js";
import { play } from "./world.js";

let folder: string;
let trace: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "inspect-test-"));
  trace = join(folder, "trace.txt");
  writeFileSync(trace, `${androidText}7: free 0xdead\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("inspect", () => {
  it("leads with a sentence and ends with what had to be dropped", async () => {
    const text = stripVTControlCharacters((await play(command, [trace])).stdout.toString());
    expect(text).toMatch(/^trace\.txt: 54 events on 2 threads: 51 blocks, /);
    expect(text).toMatch(/frees\s+1\s/);
    expect(text).toMatch(/end {2}.* in 50 blocks still alive/);
    expect(text).toMatch(
      /Of 53 records read, 1 were dropped and 0 repaired\n {2}dropped {2}free of unknown block: 1 \(at 53\)\n$/,
    );
  });

  it("prints JSON and nothing else", async () => {
    const { stdout, stderr } = await play(command, [trace, "--json"]);
    const inspection = JSON.parse(stdout.toString()) as Inspection & { schemaVersion: number };
    expect(inspection.schemaVersion).toBe(1);
    expect(inspection.file.format).toBe("android");
    expect(inspection.analysis.eventsByType.alloc).toBe(51);
    expect(inspection.report.dropped).toBe(1);
    expect(stderr).toBe("");
  });

  it("shows charts, bursts and what size classes would lose", async () => {
    const text = stripVTControlCharacters((await play(command, [trace])).stdout.toString());
    expect(text).toMatch(/a column for each doubling:\n {2}size +\d+ B [ ▁-█]+ /);
    expect(text).toMatch(/Live over time\n {2}bytes {3}[▁-█]+\n {2}blocks {2}[▁-█]+\n/);
    expect(text).toMatch(/allocations in a row/);
    expect(text).toMatch(/powers of two +\d/);
  });

  it("rounds sizes as each of the size classes does", async () => {
    const sizes = [1, 100, 129, 168, 5000, 40_000];
    const path = join(folder, "sizes.csv");
    const rows = sizes.map((size, at) => `alloc,${at + 1},${size}`);
    writeFileSync(path, `event,id,size\n${rows.join("\n")}\n`);
    const { stdout } = await play(command, [path, "--json"]);
    const { classWaste } = (JSON.parse(stdout.toString()) as Inspection).analysis;
    const served = Object.fromEntries(
      classWaste.map(({ rounding, worst }) => [
        rounding,
        Object.fromEntries(worst.map(({ bytes, servedBytes }) => [bytes, servedBytes])),
      ]),
    );
    expect(served.rustydb).toMatchObject({ 100: 112, 168: 176, 5000: 5312, 40000: 41664 });
    expect(served.jemalloc).toMatchObject({ 129: 160, 168: 192, 5000: 5120, 40000: 40960 });
    expect(served["eight-a-doubling"]).toMatchObject({ 129: 144, 168: 176, 5000: 5120, 40000: 40960 });
    expect(served["power-of-two"]).toMatchObject({ 100: 128, 129: 256, 168: 256, 5000: 8192, 40000: 65536 });
    expect(served.glibc).toMatchObject({ 1: 32, 100: 112, 129: 144, 40000: 40016 });
    for (const { atPeak, overBirths } of classWaste) {
      expect(atPeak).toEqual(overBirths); // all are alive at the peak
      expect(overBirths.requestedBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    }
  });

  it("--find-transactions says what an arena could hold, and why", async () => {
    const path = join(folder, "phases.csv");
    const rows: string[] = [];
    let id = 0;
    for (let phase = 0; phase < 40; phase += 1) {
      const born = Array.from({ length: 6 }, () => ++id);
      rows.push(...born.map((block) => `alloc,${block},100`), ...born.map((block) => `free,${block},`));
    }
    writeFileSync(path, `event,id,size\n${rows.join("\n")}\n`);
    const text = stripVTControlCharacters(
      (await play(command, [path, "--find-transactions"])).stdout.toString(),
    );
    expect(text).toMatch(/could hold 100 % of the blocks and 100 % of the\s+bytes:\s+40\s+phases/);
    expect(text).toMatch(/not a proof for the program/);
    expect(text).toMatch(/← chosen/);
    expect(text).toMatch(/What speaks against it/);
    const { stdout } = await play(command, [path, "--find-transactions", "--json"]);
    const { search } = JSON.parse(stdout.toString()) as Inspection;
    expect(search?.found).toMatchObject({ phases: 40, heldBlocks: 240, survivors: 0 });
    await expect(play(command, ["-", "--find-transactions"])).rejects.toThrow(/more than once/);
  });

  it("--find-transactions says so where there are none", async () => {
    const text = stripVTControlCharacters(
      (await play(command, [trace, "--find-transactions"])).stdout.toString(),
    );
    expect(text).toMatch(/Nothing looks like transactions/);
  });

  it("keeps to the format it was told", async () => {
    await expect(play(command, [trace, "--format", "csv"])).rejects.toThrow();
    await expect(play(command, [trace, "--format", "zebra"])).rejects.toThrow(/Allowed choices/);
  });
});
