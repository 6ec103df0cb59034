import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, Scratch } from "./tool.js";

const library = built("librustydb_malloc.so");

function runHardened(scratch: Scratch, config: string, command: string, args: readonly string[]) {
  writeFileSync(scratch.file("hardened.toml"), `[hardened]\nenabled = true\n${config}`);
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    env: { ...process.env, LD_PRELOAD: library, RUSTYDB_MEM_CONFIG: scratch.file("hardened.toml") },
    encoding: "utf8",
  });
  return { status, signal, stdout, stderr };
}

function compile(scratch: Scratch, fixture: string): string {
  const program = scratch.file(fixture);
  const source = join(root, `test/fixtures/${fixture}.c`);
  execFileSync("cc", ["-O0", "-w", "-fno-builtin", "-pthread", source, "-o", program]);
  return program;
}

const at = "0x[0-9a-f]+";

describe("the drop-in malloc in hardened mode", () => {
  it.each([
    ["twice", "SIGABRT", `freed again ${at}, a block of 40 bytes \\(size class \\d+\\) that is free already`],
    ["large-twice", "SIGABRT", `freed again ${at}, a block of 300000 bytes \\(on pages of its own\\)`],
    ["foreign", "SIGABRT", `freed ${at}, which is no block of this heap`],
    ["interior", "SIGABRT", `freed ${at}, a pointer 16 bytes into the block of 40 bytes`],
    ["size", "SIGABRT", `freed ${at} with a size of 48 bytes, a block of 40 bytes`],
    ["overrun", "SIGABRT", `written at ${at}, 1 byte behind the end of the block of 40 bytes`],
    ["large-overrun", "SIGSEGV", `touched at ${at}, 101 bytes behind the end of the block of 300000 bytes`],
    ["after-free", "SIGABRT", `written after free at ${at}, 8 bytes into the freed block of 40 bytes`],
    ["large-after-free", "SIGSEGV", `touched after free at ${at}, in the pages of the freed block of 300000`],
    ["realloc-after-free", "SIGABRT", `reallocated again ${at}, a block of 40 bytes`],
  ])("stops a program at the fault %s, with one line", (fault, signal, line) => {
    const scratch = new Scratch();
    const program = compile(scratch, "memory_faults");
    const run = runHardened(scratch, "guard_every = 0\n", program, [fault]);
    expect(run).toMatchObject({ signal, stdout: "" });
    expect(run.stderr).toMatch(new RegExp(`^rustydb-mem: hardened: ${line}.*\\n$`));
  });

  it("stops a program at a delete of another size, where the operators are its own", () => {
    const scratch = new Scratch();
    const source = scratch.file("deletes.cc");
    writeFileSync(
      source,
      `#include <cstdio>
       #include <cstdlib>
       #include <new>
       #include <string>
       #ifdef REPLACED
       void* operator new(std::size_t size) { return std::malloc(size + 32); }
       void operator delete(void* p) noexcept { std::free(p); }
       #endif
       struct Base { long a[2]; };
       struct Derived : Base { std::string name; };
       int main() {
         delete new Derived;
         delete[] new std::string[3];
         std::puts("right");
         std::fflush(stdout);
         delete static_cast<Base*>(new Derived);
         std::puts("unnoticed");
       }`,
    );
    for (const flags of [[], ["-DREPLACED"]]) {
      const program = scratch.file(`deletes${flags.length}`);
      execFileSync("c++", ["-fsized-deallocation", "-O0", "-w", ...flags, source, "-o", program]);
      const run = runHardened(scratch, "guard_every = 0\n", program, []);
      if (flags.length === 0) {
        expect(run).toMatchObject({ signal: "SIGABRT", stdout: "right\n" });
        expect(run.stderr).toMatch(
          new RegExp(
            `^rustydb-mem: hardened: freed ${at} with a size of 16 bytes, a block of 48 bytes.*\\n$`,
          ),
        );
      } else {
        expect(run).toMatchObject({ status: 0, stdout: "right\nunnoticed\n", stderr: "" });
      }
    }
  });

  it.each(["overrun", "after-free"])("stops a program at a guard page: %s", (fault) => {
    const scratch = new Scratch();
    const program = compile(scratch, "memory_faults");
    const run = runHardened(scratch, "guard_every = 1\n", program, [fault]);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/^rustydb-mem: hardened: .* block of 40 bytes \(on pages of its own\) .*\n$/);
  });

  it.each(["", "guard_every = 1\n", "quarantine = 0\n"])(
    "lets a program without faults run under %j",
    (config) => {
      const scratch = new Scratch();
      const faults = compile(scratch, "memory_faults");
      expect(runHardened(scratch, config, faults, ["none"])).toEqual({
        status: 0,
        signal: null,
        stdout: "unnoticed\n",
        stderr: "",
      });
      const family = compile(scratch, "malloc_family");
      // What its threads leave behind as they end is little only where a block is less than a page.
      for (const part of config.includes("guard_every") ? ["family"] : ["family", "threads"]) {
        expect(runHardened(scratch, config, family, [part]), part).toMatchObject({
          status: 0,
          stdout: "good\n",
        });
      }
    },
  );

  it("carries real programs", () => {
    const scratch = new Scratch();
    const script =
      "const o = []; for (let i = 0; i < 1e5; i++) o.push({ i }); console.log(JSON.stringify(o).length)";
    expect(runHardened(scratch, "", process.execPath, ["-e", script])).toMatchObject({
      status: 0,
      stdout: "1188891\n",
      stderr: "",
    });
  });
});
