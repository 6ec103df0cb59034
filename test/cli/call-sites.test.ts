import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Inspection } from "../../src/trace/event.js";
import { built, root, runTool, Scratch } from "./tool.js";

/** Compiles the fixture and records it with a stack every `stackBytes`. */
function record(scratch: Scratch, flags: readonly string[], stackBytes: number): string {
  const program = scratch.file("program");
  const source = join(root, "test/fixtures/call_sites.c");
  execFileSync("c++", ["-x", "c", "-O1", "-fno-optimize-sibling-calls", ...flags, source, "-o", program]);
  const raw = scratch.file("raw.rmt");
  const { status, stderr } = spawnSync(program, [], {
    env: {
      ...process.env,
      LD_PRELOAD: built("librustydb_mem_record.so"),
      RUSTYDB_MEM_RECORD: raw,
      RUSTYDB_MEM_STACKS: String(stackBytes),
    },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return raw;
}

async function inspect(trace: string, ...more: string[]): Promise<Inspection> {
  const { code, stdout, stderr } = await runTool(["inspect", trace, "--json", "--call-sites", ...more]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Inspection;
}

describe.each([
  ["with frame pointers", ["-fno-omit-frame-pointer"]],
  ["without frame pointers", ["-fomit-frame-pointer"]],
])("call sites of a program built %s", (_, flags) => {
  it("are ranked by what they allocate, keep at the peak, and churn", async () => {
    const scratch = new Scratch();
    const { callSites, report } = await inspect(record(scratch, flags, 1));
    expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    const top = (order: "byBytes" | "byPeakBytes" | "byBlocks") => callSites?.[order][0];
    expect(callSites?.stackBytes).toBe(0);
    // 2,000 blocks of 20,000 and 40,000 bytes; the wrapper xmalloc is not what allocates.
    expect(callSites?.byBytes.slice(0, 2).map(({ frames }) => frames.slice(0, 3))).toEqual([
      ["sort_rows", "run_query", "main"],
      ["make_page", "run_query", "main"],
    ]);
    expect(top("byBytes")).toMatchObject({ blocks: 2000, bytes: 1000 * 60_000 });
    expect(top("byPeakBytes")).toMatchObject({ peakBytes: 500 * 65_536 });
    expect(top("byPeakBytes")?.frames[0]).toBe("make_page");
    expect(top("byBlocks")).toMatchObject({ blocks: 100_000 });
    expect(top("byBlocks")?.frames.slice(0, 3)).toEqual(["make_row", "run_query", "main"]);
  });

  it("are estimated without bias from samples", async () => {
    const scratch = new Scratch();
    const { callSites } = await inspect(record(scratch, flags, 4096));
    expect(callSites?.stackBytes).toBe(4096);
    expect(callSites?.samples).toBeLessThan(12_000);
    const rows = callSites?.byBlocks[0];
    expect(rows?.frames[0]).toBe("make_row");
    // About 2,370 samples: five standard errors are 10 %.
    expect(rows?.blocks).toBeGreaterThan(100_000 * 0.9);
    expect(rows?.blocks).toBeLessThan(100_000 * 1.1);
    const pages = callSites?.byPeakBytes[0];
    expect(pages?.frames[0]).toBe("make_page");
    expect(pages?.peakBytes).toBeGreaterThan(500 * 65_536 * 0.95);
    expect(pages?.peakBytes).toBeLessThan(500 * 65_536 * 1.05);
  });
});

describe("call sites of a trace", () => {
  it("survive being converted, and the program being gone", async () => {
    const scratch = new Scratch();
    const raw = record(scratch, [], 4096);
    const trace = scratch.file("trace.rmt.gz");
    expect((await runTool(["convert", raw, trace])).code).toBe(0);
    const before = await inspect(trace);
    rmSync(scratch.file("program"));
    expect((await inspect(trace)).callSites).toEqual(before.callSites);
    const nameless = await inspect(raw);
    expect(nameless.callSites?.byBlocks[0]?.frames[0]).toMatch(/^program\+0x[0-9a-f]+$/);
    expect(nameless.report.warnings.filter((warning) => warning.includes("program"))).toHaveLength(1);
    // A part of it keeps the table that stands at the end of the file.
    const part = scratch.file("part.rmt");
    expect((await runTool(["convert", trace, part, "--head", "5000"])).code).toBe(0);
    expect((await inspect(part)).callSites?.byBlocks[0]?.frames[0]).toBe("make_row");
  });

  it("tell nothing once it is anonymised", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("trace.rmt");
    const raw = record(scratch, [], 4096);
    expect((await runTool(["convert", raw, trace, "--anonymise"])).code).toBe(0);
    const text = readFileSync(trace, "latin1");
    for (const word of ["make_row", "run_query", "libc", "program"]) expect(text).not.toContain(word);
    expect((await inspect(trace)).callSites?.byBlocks[0]?.frames[0]).toMatch(/^function\d+$/);
  });

  it("become kinds by the first rule that matches, also afterwards", async () => {
    const scratch = new Scratch();
    const raw = record(scratch, [], 1);
    const map = scratch.file("map.yaml");
    writeFileSync(
      map,
      'rules:\n  - { kind: row, frames: "make_r?w" }\n  - { kind: query, frames: ["run_*", "nothing"] }\n  - { kind: never, frames: nowhere }\n',
    );
    const trace = scratch.file("trace.rmt");
    expect((await runTool(["convert", raw, trace])).code).toBe(0);
    const { analysis, report } = await inspect(trace, "--kinds", map);
    const births = Object.fromEntries(analysis.kinds.map(({ kind, births }) => [kind, births]));
    expect(births).toMatchObject({ row: 100_000, query: 2500 });
    expect(report.warnings).toEqual(["no call site matches the rules of --kinds for never"]);
    const named = scratch.file("named.rmt");
    expect((await runTool(["convert", trace, named, "--kinds", map])).code).toBe(0);
    const again = (await inspect(named)).analysis.kinds;
    expect(again.find(({ kind }) => kind === "row")?.births).toBe(100_000);
  });

  it("are shown to people, and their absence too", async () => {
    const scratch = new Scratch();
    const raw = record(scratch, [], 4096);
    const { stdout } = await runTool(["inspect", raw, "--call-sites=2"]);
    expect(stdout).toMatch(/a stack every 4\.00 KiB allocated, on average/);
    expect(stdout).toMatch(/Call sites by allocations\n {2}[\d,]+ blocks, \d+ % \(/);
    const none = await runTool([
      "inspect",
      join(root, "workloads/generated/oltp-tpcc.rmt.gz"),
      "--call-sites",
    ]);
    expect(none.stdout).toMatch(/This trace has no call sites/);
    const kinds = scratch.file("map.yaml");
    writeFileSync(kinds, "rules: [{ kind: row, frames: x }]");
    const refused = await runTool([
      "inspect",
      join(root, "workloads/generated/oltp-tpcc.rmt.gz"),
      "--kinds",
      kinds,
    ]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/has no call sites/);
  });

  it("come from the record command as well, also those of a child made by fork", async () => {
    const scratch = new Scratch();
    const program = scratch.file("program");
    const source = join(root, "test/fixtures/call_sites.c");
    execFileSync("c++", ["-x", "c", "-O1", "-fno-optimize-sibling-calls", source, "-o", program]);
    const trace = scratch.file("trace.rmt");
    const words = ["record", "--stacks", "4KiB", "-o", trace, "--", program, "fork"];
    const { code, stderr } = await runTool(words);
    expect(code, stderr).toBe(0);
    const traces = readdirSync(scratch.path).filter((name) => /^trace.*\.rmt$/.test(name));
    expect(traces).toHaveLength(2);
    for (const name of traces) {
      const { callSites } = await inspect(scratch.file(name));
      expect(callSites?.byBlocks[0]?.frames.slice(0, 3)).toEqual(["make_row", "run_query", "main"]);
    }
  });
});
