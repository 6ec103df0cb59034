import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, Scratch } from "./tool.js";

const shared = built("librustydb_mem.so");
const archive = built("librustydb_mem.a");
const STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"];

function compile(scratch: Scratch, compiler: string, source: string, words: readonly string[]): string {
  const program = scratch.file("program");
  const include = ["-I", join(root, "native")];
  execFileSync(compiler, ["-O1", "-g", ...include, join(root, source), "-o", program, ...words]);
  return program;
}

const run = (program: string, args: readonly string[] = []) => {
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { status, signal, stdout, stderr };
};
const good = { status: 0, signal: null, stdout: "good\n", stderr: "" };

const sharedWords = [shared, `-Wl,-rpath,${join(root, "build", "Release")}`];
const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

describe("the C library", () => {
  it.each([
    ["shared", "cc", [...STRICT, ...sharedWords, "-pthread"]],
    ["static", "cc", [...STRICT, archive, "-lpthread", "-lm"]],
    ["shared, under the sanitizers", "clang", [...STRICT, ...sanitizers, ...sharedWords, "-pthread"]],
    ["static, under the sanitizers", "clang", [...STRICT, ...sanitizers, archive, "-lpthread", "-lm"]],
    ["shared, of C++", "c++", ["-std=c++11", "-fpermissive", "-w", ...sharedWords, "-pthread"]],
  ])("does what its header says: %s", (_, compiler, words) => {
    const scratch = new Scratch();
    expect(run(compile(scratch, compiler, "test/fixtures/c_library.c", words))).toEqual(good);
  });

  it("can be opened while a program runs, and closed while threads that used it live", () => {
    const scratch = new Scratch();
    const program = compile(scratch, "cc", "test/fixtures/c_library_opened.c", [
      ...STRICT,
      "-pthread",
      "-ldl",
    ]);
    expect(run(program, [shared])).toEqual(good);
  });

  it("gives a program its own names and no others", () => {
    const names = execFileSync("nm", ["-D", "--defined-only", "--format=posix", shared], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" ")[0] as string);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !name.startsWith("rustydb_mem_"))).toEqual([]);
    expect(names.filter((name) => name.startsWith("rustydb_mem_mark_"))).toEqual([]);
    const headed = readFileSync(join(root, "native/include/rustydb_mem.h"), "utf8").matchAll(
      /^RUSTYDB_MEM_API [^(]*?(rustydb_mem_\w+)\(/gm,
    );
    expect([...headed].map((match) => match[1]).sort()).toEqual(names.sort());
  });

  it("carries its example", () => {
    const scratch = new Scratch();
    const program = compile(scratch, "cc", "examples/orders.c", [...STRICT, archive, "-lpthread", "-lm"]);
    const { status, stdout, stderr } = run(program);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^1000 orders, 100 of them rolled back; .* \d\d+ pages evicted$/m);
    // It stayed under its limit of 8 MiB, where the cache alone would have come to twice that.
    const kept = /; (\d+) KiB in use, (\d+) KiB kept/.exec(stdout) ?? [];
    expect(Number(kept[1]) + Number(kept[2])).toBeLessThan(8192);
  });

  const hasRust = spawnSync("rustc", ["--version"]).status === 0;
  it.skipIf(!hasRust)("carries its example in Rust", () => {
    const scratch = new Scratch();
    const program = scratch.file("program");
    const source = join(root, "examples/orders.rs");
    const words = ["--edition", "2021", "-D", "warnings", "-L", join(root, "build", "Release")];
    execFileSync("rustc", [
      ...words,
      "-C",
      `link-arg=-Wl,-rpath,${join(root, "build", "Release")}`,
      source,
      "-o",
      program,
    ]);
    expect(run(program)).toMatchObject({ status: 0, stderr: "" });
    expect(run(program).stdout).toMatch(/^1000 orders, 100 of them rolled back/);
  });
});
