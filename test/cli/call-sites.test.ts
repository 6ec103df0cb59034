import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Difference } from "../../src/trace/difference.js";
import type { Inspection } from "../../src/trace/event.js";
import { compile, runRecorded } from "./recorded-program.js";
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

  it("have their names in a child made by fork that takes only a few", async () => {
    const scratch = new Scratch();
    const source = scratch.file("few.c");
    writeFileSync(
      source,
      `#include <stdlib.h>
       #include <sys/wait.h>
       #include <unistd.h>
       __attribute__((noinline)) void* make_few(int size) { void* volatile p = malloc(size); return p; }
       int main(void) {
         int isChild = 0;
         for (int i = 0; i < 22; ++i) {
           if (i == 20) isChild = fork() == 0;
           free(make_few(20011));
         }
         if (isChild) _exit(0);
         wait(0);
       }`,
    );
    execFileSync("cc", ["-O0", source, "-o", scratch.file("few")]);
    const words = ["record", "-q", "--stacks", "1", "-o", scratch.file("few.rmt"), "--", scratch.file("few")];
    expect((await runTool(words)).code).toBe(0);
    const [child] = readdirSync(scratch.path).filter((name) =>
      /^few\.rmt\.\d+\.rmt$|^few\.\d+\.rmt$/.test(name),
    );
    const { callSites } = await inspect(scratch.file(child ?? ""));
    expect(callSites?.byBytes[0]?.frames.slice(0, 2)).toEqual(["make_few", "main"]);
  });
});

describe("call sites of two traces", () => {
  it("are compared for each transaction, by what they are and not by their numbers", async () => {
    const scratch = new Scratch();
    const recorded = async (name: string, flags: readonly string[]): Promise<string> => {
      const program = compile(scratch.path, "marked_program.c", name, flags);
      const { status, raw } = runRecorded(scratch, [program], "", { RUSTYDB_MEM_STACKS: "1" });
      expect(status).toBe(0);
      const trace = scratch.file(`${name}.rmt`);
      expect((await runTool(["convert", raw, trace])).code).toBe(0);
      rmSync(raw);
      return trace;
    };
    const before = await recorded("before", []);
    const after = await recorded("after", ["-DAUDIT"]);
    const difference = async (a: string, b: string): Promise<Difference> => {
      const { code, stdout, stderr } = await runTool(["diff", a, b, "--json"]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      return JSON.parse(stdout) as Difference;
    };

    const [order] = (await difference(before, after)).types;
    expect(order?.callSites).toMatchObject({
      rows: [
        {
          frames: expect.arrayContaining(["audit"]),
          blocks: { a: 0, b: 1, delta: 1, relative: null },
          bytes: { a: 0, b: 20_011, delta: 20_011 },
        },
        {
          blocks: { a: 3, b: 4, delta: 1 },
          bytes: { a: 30_055, b: 40_062, delta: 10_007 },
        },
      ],
      below: 0,
      different: 2,
    });
    expect(order?.callSites?.rows.map(({ frames }) => frames?.slice(0, 4))).toEqual([
      ["use", "audit", "work", "main"],
      ["use", "work", "main", expect.any(String)],
    ]);
    const { stdout } = await runTool(["diff", before, after]);
    expect(stdout).toMatch(
      /For each new-order, by call site\n {2}0 → 1 blocks \(\+1\), 0 B → 19\.5 KiB \(\+19\.5 KiB\)\n {4}use\n {4}audit\n {4}work\n {4}main\n/,
    );

    for (const group of (await difference(after, after)).types) {
      expect(group).toMatchObject({ changed: false, callSites: { rows: [], below: 2, different: 2 } });
    }
  });
});

const heaptracks = (name: string): string => join(root, "test/fixtures/heaptrack", name);
const hasHeaptrack = spawnSync("heaptrack", ["--version"]).status === 0;

describe("call sites of heaptrack files", () => {
  it("have the names that heaptrack found", async () => {
    const { callSites, report } = await inspect(heaptracks("interpreted.zst"));
    expect(report).toMatchObject({ dropped: 0, repaired: 0, warnings: [] });
    expect(callSites?.stackBytes).toBe(0);
    expect(callSites?.samples).toBe(102_501);
    expect(callSites?.byBlocks[0]).toMatchObject({ blocks: 100_000, bytes: 9_600_000 });
    expect(callSites?.byBlocks[0]?.frames).toEqual([
      "make_row",
      "run_query",
      "main",
      "__libc_start_call_main",
      "__libc_start_main_impl",
      "_start",
    ]);
    expect(callSites?.byBytes[0]).toMatchObject({ blocks: 2000, bytes: 60_000_000 });
    expect(callSites?.byBytes[0]?.frames[0]).toBe("sort_rows");
    expect(callSites?.byPeakBytes[0]).toMatchObject({ peakBytes: 500 * 65_536 });
    expect(callSites?.byPeakBytes[0]?.frames[0]).toBe("make_page");
  });

  it("are kept in raw files too, and in a .rmt made of either", async () => {
    const scratch = new Scratch();
    const raw = await inspect(heaptracks("raw.zst"));
    expect(raw.report).toMatchObject({ dropped: 0, repaired: 0 });
    expect(raw.callSites?.samples).toBe(102_501);
    expect(raw.callSites?.byBlocks[0]?.blocks).toBe(100_000);
    // Unless somebody just made the fixture again, the program is not there to be asked.
    expect(raw.callSites?.byBlocks[0]?.frames[0]).toMatch(/^(program\+0x11b2|make_row)$/);
    for (const name of ["raw.zst", "interpreted.zst"]) {
      const trace = scratch.file(`${name}.rmt`);
      expect((await runTool(["convert", heaptracks(name), trace])).code).toBe(0);
      expect((await inspect(trace)).callSites).toEqual((await inspect(heaptracks(name))).callSites);
      const { stdout } = await runTool(["diff", heaptracks(name), trace, "--json"]);
      expect((JSON.parse(stdout) as Difference).all).toMatchObject({
        changed: false,
        callSites: { rows: [] },
      });
    }
  });

  it("become kinds", async () => {
    const scratch = new Scratch();
    const map = scratch.file("map.yaml");
    writeFileSync(map, "rules: [{ kind: row, frames: make_row }]\n");
    const { analysis } = await inspect(heaptracks("interpreted.zst"), "--kinds", map);
    expect(analysis.kinds.find(({ kind }) => kind === "row")?.births).toBe(100_000);
  });

  it.skipIf(!hasHeaptrack)(
    "are named from the program, where it is still the one that was recorded",
    async () => {
      const scratch = new Scratch();
      const program = scratch.file("program");
      const source = join(root, "test/fixtures/call_sites.c");
      // Loaded at an address of its own, so that no address of it is an offset in its file.
      const build = (...flags: string[]): void => {
        const always = ["-x", "c", "-O1", "-fno-optimize-sibling-calls", "-no-pie", "-Wl,--build-id=sha1"];
        execFileSync("c++", [...always, ...flags, source, "-o", program]);
      };
      build();
      execFileSync("heaptrack", ["--raw", "-o", scratch.file("raw"), program], { stdio: "ignore" });
      const raw = scratch.file(readdirSync(scratch.path).find((name) => name.startsWith("raw.")) ?? "");
      const { callSites } = await inspect(raw);
      expect(callSites?.byBlocks[0]?.frames.slice(0, 3)).toEqual(["make_row", "run_query", "main"]);

      const converted = async (name: string): Promise<string> => {
        const path = scratch.file(name);
        expect((await runTool(["convert", raw, path])).code).toBe(0);
        return path;
      };
      // A .rmt has offsets in the file, which begins far below the program's first address, and its build id.
      const named = readFileSync(await converted("named.rmt"), "latin1");
      expect(Number(/,(\d+),"make_row"/.exec(named)?.[1])).toBeLessThan(0x10000);
      expect(named).toMatch(/"[^"]*\/program","[0-9a-f]{40}"/);

      rmSync(program);
      const trace = await converted("trace.rmt");
      expect(readFileSync(trace, "latin1")).toMatch(/"program",""/);
      const more = scratch.file("more.h");
      writeFileSync(more, "char more[100000];\n");
      build("-include", more);
      const changed = await inspect(raw);
      expect(changed.report.warnings).toContainEqual(expect.stringMatching(/program .*its segments differ/));
      const nameless = changed.callSites?.byBlocks[0]?.frames ?? [];
      expect(nameless[0]).toMatch(/^program\+0x40[0-9a-f]+$/);
      // Nor does the .rmt take another program's names.
      expect((await inspect(trace)).callSites?.byBlocks[0]?.frames).toEqual(nameless);
    },
  );
});
