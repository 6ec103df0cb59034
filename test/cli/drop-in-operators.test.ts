import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, Scratch } from "./tool.js";

const source = join(root, "test/fixtures/operators.cc");
const library = built("librustydb_malloc.so");

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    env: { ...process.env, LD_PRELOAD: library },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const compile = (to: string, ...flags: string[]) =>
  execFileSync("c++", ["-std=c++17", "-fsized-deallocation", "-O1", "-w", ...flags, source, "-o", to]);

const good = { status: 0, stdout: "good\n", stderr: "" };

describe("operator new and delete of the drop-in malloc", () => {
  it("have every form, call the new-handler, and throw what the program can catch", () => {
    const program = new Scratch().file("operators");
    compile(program);
    expect(run(program)).toEqual(good);
  });

  it("throw what a program catches that has its C++ library linked in", () => {
    const program = new Scratch().file("operators");
    compile(program, "-static-libstdc++", "-static-libgcc");
    expect(run(program)).toEqual(good);
  });

  it("give way to those of a program, in all forms that it has not replaced itself", () => {
    const program = new Scratch().file("operators");
    compile(program, "-DREPLACED");
    expect(run(program)).toEqual(good);
  });

  it("serve a C++ library that a C program opens", () => {
    const scratch = new Scratch();
    compile(scratch.file("plugin.so"), "-fPIC", "-shared", "-DPLUGIN");
    writeFileSync(
      scratch.file("host.c"),
      `#include <dlfcn.h>
       #include <stdio.h>
       int main(int count, char** words) {
         void* library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
         int (*check)(void) = library ? (int (*)(void))dlsym(library, "CheckOperators") : NULL;
         if (count == 2 && check != NULL && check() == 0) printf("good\\n");
         return 0;
       }`,
    );
    execFileSync("cc", ["-w", scratch.file("host.c"), "-o", scratch.file("host")]);
    expect(run(scratch.file("host"), scratch.file("plugin.so"))).toEqual(good);
  });

  it("bring no C++ library of their own", () => {
    const symbols = execFileSync("nm", ["-D", "--undefined-only", library], { encoding: "utf8" });
    const dynamic = execFileSync("readelf", ["-d", library], { encoding: "utf8" });
    const inside = execFileSync("nm", [library], { encoding: "utf8" });
    expect(symbols).toMatch(/ w _ZSt17__throw_bad_allocv$/m);
    expect(dynamic).not.toMatch(/libstdc\+\+|libgcc_s/);
    expect(inside).not.toMatch(/ [tTW] (__cxa_throw|__gxx_personality_v0|_Unwind_RaiseException)$/m);
  });
});
