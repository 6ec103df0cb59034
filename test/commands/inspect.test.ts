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

  it("keeps to the format it was told", async () => {
    await expect(play(command, [trace, "--format", "csv"])).rejects.toThrow();
    await expect(play(command, [trace, "--format", "zebra"])).rejects.toThrow(/Allowed choices/);
  });
});
