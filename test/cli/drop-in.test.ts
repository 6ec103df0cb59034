import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { built, root, runTool, Scratch } from "./tool.js";

const library = built("librustydb_malloc.so");
const preloaded = { ...process.env, LD_PRELOAD: library };

function run(command: string, args: readonly string[], input = "") {
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    env: preloaded,
    input,
    encoding: "utf8",
  });
  return { status, signal, stdout, stderr };
}

describe("the drop-in malloc", () => {
  const compiled = (): string => {
    const to = new Scratch().file("malloc_family");
    // What the compiler knows of malloc it must not use here.
    const source = join(root, "test/fixtures/malloc_family.c");
    execFileSync("c++", ["-x", "c", "-O1", "-fno-builtin", "-pthread", source, "-o", to]);
    return to;
  };

  it("does what the manual says of every function of the family", () => {
    expect(run(compiled(), ["family"])).toMatchObject({ status: 0, stdout: "good\n" });
  });

  it("keeps nothing of threads that came and went, and allocates to their last moment", () => {
    expect(run(compiled(), ["threads"])).toMatchObject({ status: 0, stdout: "good\n" });
  });

  it("works in the children of a program with threads", () => {
    expect(run(compiled(), ["fork"])).toMatchObject({ status: 0, stdout: "good\n" });
  });

  it("says that memory has run out, and goes on, where address space is limited", () => {
    const limited = run("/bin/sh", ["-c", `ulimit -v 200000; exec ${compiled()} limit`]);
    expect(limited).toMatchObject({ status: 0, stdout: "good\n" });
  });

  it("tells of its heap what a program asks of the C library's", () => {
    const told = run(compiled(), ["info"]);
    expect(told).toMatchObject({ status: 0, stdout: "good\n" });
    expect(told.stderr).toMatch(/^liveBytes +\d+$/m);
  });

  it.each([
    ["a block twice", "free(p); free(p); for (int i = 0; i < 100000; ++i) free(malloc(300000));", 300_000],
    ["what is no block", "free((char*)p + 5000);", 300_000],
    ["what lies on the stack", "int here; free(&here);", 10],
  ])("stops a program that frees %s, with one line", (_, body, size) => {
    const scratch = new Scratch();
    const source = scratch.file("wrong.c");
    writeFileSync(
      source,
      `#include <stdlib.h>\nint main(void) { void* p = malloc(${size}); ${body} return 0; }\n`,
    );
    execFileSync("cc", ["-O0", "-w", "-fno-builtin", source, "-o", scratch.file("wrong")]);
    const { signal, stderr } = run(scratch.file("wrong"), []);
    expect(signal).toBe("SIGABRT");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/freed/);
  });

  it("carries real programs", () => {
    const scratch = new Scratch();
    const sql =
      "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) " +
      "insert into t select i, hex(i * 7919) from n; select count(*), sum(length(b)) from t group by a % 3 order by 2;";
    expect(run("sqlite3", [":memory:"], sql).stdout).toBe(
      execFileSync("sqlite3", [":memory:"], { input: sql, encoding: "utf8" }),
    );
    writeFileSync(
      scratch.file("a.cc"),
      "#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; return m.size(); }\n",
    );
    expect(run("c++", ["-O2", "-c", scratch.file("a.cc"), "-o", scratch.file("a.o")])).toMatchObject({
      status: 0,
    });
    const script =
      "const o = []; for (let i = 0; i < 1e5; i++) o.push({ i }); console.log(JSON.stringify(o).length)";
    expect(run(process.execPath, ["-e", script])).toMatchObject({ status: 0, stdout: "1188891\n" });
  });

  it("is recorded once at each call", async () => {
    const scratch = new Scratch();
    const source = scratch.file("aligned.c");
    writeFileSync(
      source,
      "#include <stdlib.h>\nint main(void) { void* volatile p = aligned_alloc(64, 12352); free(p); return 0; }\n",
    );
    execFileSync("cc", ["-O0", source, "-o", scratch.file("aligned")]);
    const trace = scratch.file("aligned.csv");
    const words = ["record", "-q", "-o", scratch.file("aligned.rmt"), "--", scratch.file("aligned")];
    expect((await runTool(words, { scratch, env: { LD_PRELOAD: library } })).code).toBe(0);
    expect((await runTool(["convert", scratch.file("aligned.rmt"), trace])).code).toBe(0);
    const births = readFileSync(trace, "utf8").match(/,alloc,\d*,\d*,12352,/g);
    expect(births).toHaveLength(1);
  });

  it("is a row of a comparison", async () => {
    const scratch = new Scratch();
    writeSmallTrace(scratch.file("small.csv"));
    const args = ["replay", scratch.file("small.csv"), "-a", "rustydb-malloc,malloc", "-r", "2", "--json"];
    const { code, stdout } = await runTool(args, { scratch });
    expect(code).toBe(0);
    const { results } = JSON.parse(stdout) as { results: { allocator: string; verified: boolean }[] };
    expect(results).toMatchObject([
      { allocator: "rustydb-malloc", verified: true, library },
      { allocator: "malloc", verified: true },
    ]);
  });
});
