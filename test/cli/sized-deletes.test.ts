import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "./recorded-program.js";
import { built, runTool, Scratch } from "./tool.js";

const compileInCpp = (scratch: Scratch, name: string, text: string, words: readonly string[] = []): string =>
  compileText(scratch, name, text, words, "c++");

/** Runs a program under the library alone; a line a free of a block of 10,000 to 50,000 bytes (libstdc++ has larger ones of its own): `free SIZE TOLD`. */
async function freesOf(
  scratch: Scratch,
  program: string,
  words: readonly string[] = [],
): Promise<{ stdout: string; frees: string[]; alive: string[] }> {
  const raw = scratch.file("raw.rmt");
  const { status, stdout, stderr } = spawnSync(program, words, {
    env: { ...process.env, LD_PRELOAD: built("librustydb_mem_record.so"), RUSTYDB_MEM_RECORD: raw },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const csv = scratch.file("resolved.csv");
  const { code } = await runTool(["convert", raw, csv, "--force"]);
  expect(code).toBe(0);
  const { report } = JSON.parse((await runTool(["inspect", raw, "--json", "-q"])).stdout);
  expect(report).toMatchObject({ dropped: 0, repaired: 0 });
  const [header = "", ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
  const columns = header.split(",");
  const sizes = new Map<string, string>();
  const frees: string[] = [];
  for (const line of lines) {
    const fields = line.split(",");
    const of = (column: string): string => fields[columns.indexOf(column)] ?? "";
    const bytes = Number(of("size"));
    if (of("event") === "alloc" && bytes >= 10_000 && bytes < 50_000) sizes.set(of("id"), of("size"));
    const size = sizes.get(of("id"));
    if (of("event") !== "free" || size === undefined) continue;
    frees.push(`free ${size} ${of("size") || "-"}`);
    sizes.delete(of("id"));
  }
  return { stdout, frees, alive: [...sizes.values()] };
}

const DELETES = `
  ::operator delete(::operator new(10007), std::size_t{10007});
  ::operator delete[](::operator new[](10009), std::size_t{10009});
  ::operator delete(::operator new(10048, std::align_val_t{64}), std::size_t{10048}, std::align_val_t{64});
  ::operator delete[](::operator new[](10112, std::align_val_t{64}), std::size_t{10112}, std::align_val_t{64});
  ::operator delete(::operator new(10061));
  ::operator delete(nullptr, std::size_t{8});`;
const TOLD = ["free 10007 10007", "free 10009 10009", "free 10048 10048", "free 10112 10112", "free 10061 -"];

describe("operator delete that is told the size", () => {
  it("is one free, with the size, in each of its forms", async () => {
    const scratch = new Scratch();
    const program = compileInCpp(scratch, "deletes", `#include <new>\nint main() { ${DELETES} }`);
    const { frees, alive } = await freesOf(scratch, program);
    expect(frees).toEqual(TOLD);
    expect(alive).toEqual([]);
  });

  it("reaches the program's own operator delete", async () => {
    const scratch = new Scratch();
    const program = compileInCpp(
      scratch,
      "own",
      `#include <cstdio>
       #include <cstdlib>
       #include <new>
       static int deleted = 0;
       void* operator new(std::size_t n) { return malloc(n); }
       void operator delete(void* p) noexcept {
         ++deleted;
         free(malloc(20011));  // of other blocks the size is not
         free(p);
       }
       int main() {
         ::operator delete(::operator new(10007), std::size_t{10007});
         void* other = malloc(10009);
         free(other);
         printf("%d", deleted);
       }`,
    );
    const { stdout, frees, alive } = await freesOf(scratch, program);
    expect(stdout).toBe("1");
    // The malloc inside takes the place of the size that was told; each free is recorded, once.
    expect(frees).toEqual(["free 20011 -", "free 10007 -", "free 10009 -"]);
    expect(alive).toEqual([]);
  });

  it("keeps the size through frees of other blocks", async () => {
    const scratch = new Scratch();
    const program = compileInCpp(
      scratch,
      "others",
      `#include <cstdlib>
       #include <new>
       static void* other = nullptr;
       void* operator new(std::size_t n) { return malloc(n); }
       void operator delete(void* p) noexcept { free(other); other = nullptr; free(p); }
       int main() {
         other = malloc(20011);
         ::operator delete(::operator new(10007), std::size_t{10007});
         return 0;
       }`,
    );
    expect((await freesOf(scratch, program)).frees).toEqual(["free 20011 -", "free 10007 10007"]);
  });

  it("leaves blocks of the program's own pool to it", async () => {
    const scratch = new Scratch();
    const program = compileInCpp(
      scratch,
      "pool",
      `#include <cstdio>
       #include <cstdlib>
       #include <new>
       static char pool[1 << 20]; static std::size_t used = 64; static int given = 0;
       void* operator new(std::size_t n) { void* p = pool + used; used += (n + 63) / 64 * 64; return p; }
       void operator delete(void*) noexcept { ++given; }
       int main() {
         for (int i = 0; i < 3; ++i) ::operator delete(::operator new(10007), std::size_t{10007});
         free(malloc(10009));
         printf("%d", given);
       }`,
    );
    const { stdout, frees } = await freesOf(scratch, program);
    expect(stdout).toBe("3");
    expect(frees).toEqual(["free 10009 -"]);
  });

  it("works in a library of C++ that a program of C opens", async () => {
    const scratch = new Scratch();
    const library = compileInCpp(
      scratch,
      "plugin.so",
      `#include <new>\nextern "C" void work() { ${DELETES} }`,
      ["-shared", "-fPIC"],
    );
    const program = compileText(
      scratch,
      "opens",
      `#include <dlfcn.h>
       int main(int n, char** words) {
         void* library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
         if (library == 0) return 2;
         ((void (*)(void))dlsym(library, "work"))();
         return 0;
       }`,
      ["-ldl"],
    );
    expect((await freesOf(scratch, program, [library])).frees).toEqual(TOLD);
  });

  it("is nothing to a program of C", async () => {
    const scratch = new Scratch();
    const text = "#include <stdlib.h>\nint main() { free(malloc(10007)); return 0; }";
    const program = compileText(scratch, "plain", text);
    expect((await freesOf(scratch, program)).frees).toEqual(["free 10007 -"]);
  });
});
