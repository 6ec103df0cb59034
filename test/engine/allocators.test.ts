import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseAllocators, findPeers, type InstalledPeer } from "../../src/engine/allocators.js";
import { AllocatorError } from "../../src/errors.js";

const MACHINES: Record<string, number> = { x64: 62, arm64: 183, riscv64: 243, ppc64: 21, s390x: 22 };

/** The head of a shared library; nobody loads it here. */
function elf({ bits = 2, type = 3, machine = MACHINES[process.arch] ?? 62 } = {}): Buffer {
  const head = Buffer.alloc(64);
  head.write("\x7fELF", "latin1");
  head[4] = bits;
  head[5] = 1;
  head.writeUInt16LE(type, 16);
  head.writeUInt16LE(machine, 18);
  return head;
}

let folder = "";
let installed: InstalledPeer[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "peers-"));
  const libraries = join(folder, "lib");
  mkdirSync(libraries);
  writeFileSync(join(libraries, "libjemalloc.so.2"), elf());
  writeFileSync(join(libraries, "libmimalloc.so.2.0"), elf());
  symlinkSync("libmimalloc.so.2.0", join(libraries, "libmimalloc.so.2"));
  writeFileSync(join(libraries, "libtcmalloc_minimal_debug.so.4"), elf());
  writeFileSync(join(libraries, "libown.so"), elf());
  writeFileSync(join(libraries, "librustydb_malloc.so"), elf());
  writeFileSync(join(folder, "text.so"), "this is no library");
  writeFileSync(join(folder, "empty.so"), "");
  writeFileSync(join(folder, "program.so"), elf({ type: 2 }));
  writeFileSync(join(folder, "narrow.so"), elf({ bits: 1 }));
  writeFileSync(join(folder, "foreign.so"), elf({ machine: 8 }));
  writeFileSync(join(folder, "with space.so"), elf());
  installed = findPeers([join(folder, "missing"), libraries]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function choose(...lists: string[]) {
  return chooseAllocators(lists, installed);
}

function names(...lists: string[]): string[] {
  return choose(...lists).allocators.map((allocator) => allocator.name);
}

function refusal(spec: string): AllocatorError {
  try {
    choose(spec);
  } catch (error) {
    expect(error).toBeInstanceOf(AllocatorError);
    return error as AllocatorError;
  }
  throw new Error(`${spec} was accepted`);
}

describe("peers", () => {
  it("are found by the names Debian gives their files, and not mistaken for their debug builds", () => {
    expect(installed.map(({ name, path }) => [name, path?.slice(folder.length)])).toEqual([
      ["jemalloc", "/lib/libjemalloc.so.2"],
      ["mimalloc", "/lib/libmimalloc.so.2"],
      ["tcmalloc", undefined],
      ["tbbmalloc", undefined],
    ]);
  });

  it("that `all` does not find are a line each, with the package to install", () => {
    const { allocators, warnings } = choose("all");
    expect(allocators.map((each) => each.name)).toEqual([
      ...["rustydb", "rustydb-malloc", "slab", "arena", "large", "malloc", "jemalloc", "mimalloc"],
    ]);
    expect(warnings).toEqual([
      "tcmalloc is not installed and was left out (apt-get install libtcmalloc-minimal4).",
      "tbbmalloc is not installed and was left out (apt-get install libtbbmalloc2).",
    ]);
  });

  it("that are asked for by name and missing are an error, with the package to install", () => {
    const error = refusal("malloc,tcmalloc");
    expect(error).toMatchObject({ code: "missing-peer", message: "tcmalloc is not installed" });
    expect(error.remedy).toContain("apt-get install libtcmalloc-minimal4");
  });

  it("are preloaded by their path, and known by what it leads to", () => {
    const [allocator] = choose("mimalloc").allocators;
    expect(allocator?.route).toBe("malloc");
    expect(allocator?.library).toEqual({
      path: join(folder, "lib/libmimalloc.so.2"),
      realPath: join(folder, "lib/libmimalloc.so.2.0"),
    });
  });
});

describe("a list of allocators", () => {
  it("keeps its order, each name once", () => {
    expect(names("malloc,slab", "malloc, rustydb,")).toEqual(["malloc", "slab", "rustydb"]);
  });

  it("takes a library under a name, and that name further on", () => {
    const { allocators } = choose(`own=${folder}/lib/libown.so,arena@own,slab@${folder}/lib/libown.so`);
    expect(
      allocators.map((each) => [each.name, each.route, each.library?.path.slice(folder.length)]),
    ).toEqual([
      ["own", "malloc", "/lib/libown.so"],
      ["arena@own", "arena", "/lib/libown.so"],
      ["slab@libown", "slab", "/lib/libown.so"],
    ]);
  });

  it("takes settings, whose values may hold commas and equals signs", () => {
    const [first, second, third] = choose(
      "jemalloc[MALLOC_CONF=narenas:4,dirty_decay_ms:0,A=b=c],arena@jemalloc[X=1],malloc",
    ).allocators;
    expect(first?.environment).toEqual({ MALLOC_CONF: "narenas:4,dirty_decay_ms:0", A: "b=c" });
    expect(first?.name).toBe("jemalloc[MALLOC_CONF=narenas:4,dirty_decay_ms:0,A=b=c]");
    expect([second?.route, second?.name]).toEqual(["arena", "arena@jemalloc[X=1]"]);
    expect(third?.name).toBe("malloc");
  });

  it("takes a configuration file for our heaps, checked at once", () => {
    const file = join(folder, "heap.toml");
    writeFileSync(file, '[pages]\nfit = "first"\n');
    const [route, dropIn, both] = choose(
      `rustydb[config=${file}],mine=${folder}/lib/librustydb_malloc.so[config=${file},A=1],slab@mine[config=${file}]`,
    ).allocators;
    const config = {
      path: file,
      text: '[pages]\nfit = "first"\n',
      sha256: createHash("sha256").update('[pages]\nfit = "first"\n').digest("hex"),
    };
    expect(route).toMatchObject({
      name: `rustydb[config=${file}]`,
      route: "rustydb",
      environment: {},
      config,
    });
    expect(dropIn).toMatchObject({
      route: "malloc",
      environment: { RUSTYDB_MEM_CONFIG: file, A: "1" },
      config,
    });
    expect(both).toMatchObject({ route: "slab", environment: { RUSTYDB_MEM_CONFIG: file }, config });
  });

  it("refuses a configuration that is wrong, or for what has none", () => {
    const file = join(folder, "wrong.toml");
    writeFileSync(file, '[pages]\nfitt = "first"\n');
    expect(() => choose(`rustydb[config=${file}]`)).toThrowError(
      expect.objectContaining({
        code: "bad-config",
        message: "there is no such key",
        remedy: "Did you mean pages.fit?",
      }),
    );
    expect(() => choose(`rustydb[config=${folder}/none.toml]`)).toThrowError(
      expect.objectContaining({ code: "no-config" }),
    );
    expect(refusal("jemalloc[config=x.toml]").message).toContain("takes no config");
    expect(refusal("malloc[config=x.toml]").message).toContain("takes no config");
    expect(refusal("rustydb[RUSTYDB_MEM_CONFIG=x.toml]").remedy).toContain("Write config=x.toml");
  });

  it("refuses what it does not know, and suggests what is near", () => {
    expect(refusal("jemaloc").remedy).toBe("Did you mean jemalloc?");
    expect(refusal("rustydbb").remedy).toBe("Did you mean rustydb?");
    expect(refusal("something-else").remedy).toContain("name=/path/lib.so");
    expect(refusal("arenas@jemalloc").remedy).toBe("Did you mean arena?");
    expect(refusal("none@jemalloc").code).toBe("unknown-allocator");
  });

  it.each(["x=", "=malloc", "jemalloc[NOPE]", "jemalloc[LD_PRELOAD=x]", "jemalloc[A=1", "slab=/x.so"])(
    "refuses %s",
    (spec) => {
      expect(refusal(spec).code).toBe("bad-allocator");
    },
  );

  it("refuses two libraries under one name", () => {
    expect(refusal(`x=${folder}/lib/libown.so,x=${folder}/lib/libjemalloc.so.2`).message).toContain(
      "two different",
    );
  });
});

describe("a path that is no library", () => {
  it.each([
    ["text.so", "no-library", "does not begin as an ELF file"],
    ["empty.so", "no-library", "does not begin as an ELF file"],
    ["program.so", "no-library", "no shared library"],
    ["narrow.so", "no-library", "32-bit"],
    ["foreign.so", "no-library", "another machine"],
    ["lib", "no-library", "is a directory"],
    ["nothing.so", "library-not-found", "does not exist"],
    ["text.so/below", "library-not-found", "does not exist"],
    ["with space.so", "unusable-path", "cannot carry the path"],
  ])("is refused in words: %s", (file, code, words) => {
    const error = refusal(`mine=${folder}/${file}`);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.message).toContain(join(folder, file));
  });
});
