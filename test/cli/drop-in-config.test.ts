import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { built, root, runTool, Scratch } from "./tool.js";

const library = built("librustydb_malloc.so");

function compile(scratch: Scratch, name: string, source: string, words: readonly string[] = []): string {
  const program = scratch.file(name);
  execFileSync("cc", ["-O0", "-w", "-fno-builtin", "-pthread", source, "-o", program, ...words]);
  return program;
}

function runWith(config: string, command: string, args: readonly string[] = [], user?: number) {
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    env: { ...process.env, LD_PRELOAD: user === undefined ? library : "", RUSTYDB_MEM_CONFIG: config },
    encoding: "utf8",
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  return { status, signal, stdout, stderr };
}

/** How much address space it has tells what the heap was told. */
const RESERVED = `
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  char line[256];
  long kilobytes = 0;
  free(malloc(1));
  FILE* status = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof(line), status)) sscanf(line, "VmSize: %ld", &kilobytes);
  printf("%ld\\n", kilobytes);
  return 0;
}
`;

describe("RUSTYDB_MEM_CONFIG", () => {
  it("configures the heap", () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("a.c"), RESERVED);
    const program = compile(scratch, "a", scratch.file("a.c"));
    const reservedGiB = (config: string): number => {
      const { status, stdout, stderr } = runWith(config, program);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return Number(stdout) / 2 ** 20;
    };
    writeFileSync(scratch.file("config.toml"), 'heap.reserve = "16 GiB"\n');
    expect(reservedGiB("")).toBeGreaterThan(256);
    expect(reservedGiB(scratch.file("config.toml"))).toBeGreaterThan(16);
    expect(reservedGiB(scratch.file("config.toml"))).toBeLessThan(32);
  });

  it.each([
    "slab.classes = [{ bytes = 16, magazine = 1 }]",
    "slab.classes = [{ bytes = 8, magazine = 1 }, { bytes = 65600, magazine = 1024 }]",
    "[pages]\nfit = 'first'\ndirty_cap = 0\nhuge_pages = false",
  ])("keeps what the manual says of malloc under %j", (text) => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("config.toml"), text);
    const program = compile(scratch, "family", join(root, "test/fixtures/malloc_family.c"));
    for (const part of ["family", "threads", "fork"]) {
      expect(runWith(scratch.file("config.toml"), program, [part]), part).toMatchObject({
        status: 0,
        stdout: "good\n",
      });
    }
  });

  it("stops a program at its start where the file is wrong, with one line and without a core", () => {
    const scratch = new Scratch();
    const file = scratch.file("config.toml");
    writeFileSync(file, '[pages]\nfit = "bset"\n');
    expect(runWith(file, "/bin/echo", ["here"])).toEqual({
      status: 1,
      signal: null,
      stdout: "",
      stderr: `rustydb-mem: ${file}:2:7: pages.fit: there is no fit "bset". Did you mean "best"?\n`,
    });
    const missing = scratch.file("missing.toml");
    const { status, stderr } = runWith(missing, "/bin/echo", ["here"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^rustydb-mem: .*missing\.toml: the file does not exist\. .*\n$/);
    expect(stderr).toContain(missing);
  });

  it("is known to who allocates before the C library has an environment", () => {
    const scratch = new Scratch();
    writeFileSync(
      scratch.file("early.c"),
      `#include <stdlib.h>
      extern char** environ;
      static int wasEarly;
      static void First(int argc, char** argv, char** variables) { wasEarly = environ == 0; free(malloc(100)); }
      __attribute__((section(".preinit_array"), used)) static void (*first)(int, char**, char**) = First;
      int main(void) { return wasEarly ? 42 : 43; }`,
    );
    const program = compile(scratch, "early", scratch.file("early.c"));
    writeFileSync(scratch.file("wrong.toml"), "x = 1\n");
    expect(runWith("", program).status).toBe(42);
    expect(runWith(scratch.file("wrong.toml"), program)).toMatchObject({ status: 1 });
    expect(runWith(scratch.file("wrong.toml"), program).stderr).toContain(
      "wrong.toml:1:1: x: there is no such key",
    );
  });

  it.skipIf(process.getuid?.() !== 0)(
    "is not looked at by a program with more rights than its caller",
    () => {
      const scratch = new Scratch();
      const nobody = 65534;
      const own = scratch.file("librustydb_malloc.so");
      copyFileSync(library, own);
      writeFileSync(
        scratch.file("a.c"),
        "#include <stdlib.h>\nint main(void) { free(malloc(1)); return 7; }\n",
      );
      const program = compile(scratch, "a", scratch.file("a.c"), [own, `-Wl,-rpath,${scratch.path}`]);
      writeFileSync(scratch.file("wrong.toml"), "x = 1\n");
      chmodSync(scratch.path, 0o755);
      chmodSync(scratch.file("wrong.toml"), 0o644);
      expect(runWith(scratch.file("wrong.toml"), program, [], nobody)).toMatchObject({ status: 1 });
      chmodSync(program, 0o4755);
      expect(runWith(scratch.file("wrong.toml"), program, [], nobody)).toMatchObject({
        status: 7,
        stderr: "",
      });
    },
  );
});

describe("a configuration in a replay", () => {
  it("makes a row beside the default, and is in the result", async () => {
    const scratch = new Scratch();
    writeSmallTrace(scratch.file("small.csv"));
    const text = "heap.reserve = '64 MiB'\nslab.classes = [{ bytes = 4096, magazine = 2 }]\n";
    writeFileSync(scratch.file("one.toml"), text);
    const rows = "rustydb,rustydb[config=one.toml],rustydb-malloc[config=one.toml]";
    const words = ["replay", scratch.file("small.csv"), "-a", rows, "-r", "1", "--json", "--no-latency"];
    const { code, stdout, stderr } = await runTool(words, { scratch, cwd: scratch.path });
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const { results } = JSON.parse(stdout) as {
      results: { allocator: string; stats: { reservedBytes?: number } }[];
    };
    const path = scratch.file("one.toml");
    const sha256 = createHash("sha256").update(text).digest("hex");
    const of = (name: string) => results.find((result) => result.allocator === name);
    expect(of("rustydb")).not.toHaveProperty("config");
    expect(of("rustydb[config=one.toml]")).toMatchObject({
      verified: true,
      config: { path, sha256, text },
      stats: { reservedBytes: 64 * 2 ** 20 },
    });
    expect(of("rustydb")?.stats.reservedBytes).toBeGreaterThan(64 * 2 ** 20);
    expect(of("rustydb-malloc[config=one.toml]")).toMatchObject({
      verified: true,
      config: { path, sha256 },
      environment: { RUSTYDB_MEM_CONFIG: path },
    });
  });

  it("is refused before anything runs, with its place", async () => {
    const scratch = new Scratch();
    writeSmallTrace(scratch.file("small.csv"));
    writeFileSync(scratch.file("wrong.toml"), "[pages]\nhuge_pages = 1\n");
    const words = ["replay", "small.csv", "-a", "rustydb[config=wrong.toml]"];
    const { code, stdout, stderr } = await runTool(words, { scratch, cwd: scratch.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      `error: ${scratch.file("wrong.toml")}:2:14: pages.huge_pages: it takes true or false, not an integer\n  Write true or false.\n`,
    );
  });
});
