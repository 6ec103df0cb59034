import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ResultFile } from "../../src/measure/measurement.js";
import type { Claim } from "../../src/measure/measurement-bench.js";
import { crashingMalloc } from "./crashing-malloc.js";
import { root, runTool, Scratch } from "./tool.js";

/** The claims of these names by the short words they have. */
async function claims(
  scratch: Scratch,
  names: readonly string[],
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, Claim>> {
  const words = ["bench", ...names.map((name) => `claims/${name}`), "--quick", "-q", "--json", ...more];
  const { code, stdout, stderr } = await runTool(words, { scratch, env });
  expect([code, stderr]).toEqual([0, ""]);
  const measured = (JSON.parse(stdout) as ResultFile).bench?.claims ?? [];
  expect(measured).toHaveLength(names.length);
  return Object.fromEntries(measured.map((claim, index) => [names[index] as string, claim]));
}

const SOME = ["m001-fast-path-hit-rate", "m001-time-of-a-call", "m003-rollback", "latency-in-a-transaction"];
const TIMES = SOME.slice(1);

describe("the claims on another allocator", () => {
  it("come out differently: nothing of them is a constant", { timeout: 120_000 }, async () => {
    const scratch = new Scratch();
    const library = scratch.file("libslow.so");
    execFileSync("c++", [
      ...["-std=c++20", "-O2", "-fPIC", "-shared", "-o", library],
      join(root, "test/native/preload/slow_malloc.cc"),
    ]);
    const ours = await claims(scratch, SOME);
    // Some thousand cycles in each call, where a claim speaks of some tens of ns.
    const slow = await claims(scratch, SOME, ["--subject", `slow=${library}[SLOW_SPINS=3000]`]);
    for (const name of TIMES) {
      const [own, others] = [ours[name]?.value?.estimate ?? 0, slow[name]?.value?.estimate ?? 0];
      expect(others, name).toBeGreaterThan(10 * own);
      expect(slow[name]?.verdict, name).not.toBe("met");
    }
    expect(slow["m003-rollback"]?.verdict).toBe("not met");
    expect(ours["m003-rollback"]?.verdict).not.toBe("not met");
    expect(ours["m001-fast-path-hit-rate"]?.verdict).toBe("met");
    expect(slow["m001-fast-path-hit-rate"]).toMatchObject({
      ...{ value: null, verdict: "not measured", note: "this allocator does not count it" },
    });
    expect(ours["m003-rollback"]?.command).toBe("bench claims/m003-rollback");
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("of memory follow the memory it takes", async () => {
    const scratch = new Scratch();
    const names = ["m003-fragmentation", "m003-metadata-of-what-is-alive"];
    const own = await claims(scratch, names);
    const same = await claims(scratch, names, ["--subject", "malloc"]);
    expect(own["m003-fragmentation"]?.verdict).toBe("met");
    // malloc against itself: the same in each byte.
    expect(same["m003-fragmentation"]).toMatchObject({
      ...{ verdict: "not met", value: { estimate: 0, low: 0, high: 0 } },
    });
    expect(own["m003-metadata-of-what-is-alive"]?.value?.estimate).toBeGreaterThan(0);
    expect(same["m003-metadata-of-what-is-alive"]?.verdict).toBe("not measured");
  });

  it("that dies is not measured, and the other claims are", async () => {
    const scratch = new Scratch();
    const library = crashingMalloc(scratch);
    const found = await claims(scratch, ["m003-rollback", "tests-cases"], ["--subject", `crash=${library}`]);
    expect(found["m003-rollback"]).toMatchObject({ verdict: "not measured", value: null });
    expect(found["m003-rollback"]?.note).toMatch(/crashed with SIGABRT/);
    expect(found["tests-cases"]?.command).toBe("npm run coverage");
  });
});

/** A folder for PATH in which valgrind is a script of ours, or there is none. */
function pathWith(scratch: Scratch, valgrind?: string): Record<string, string> {
  const folder = scratch.file("bin");
  mkdirSync(folder);
  if (valgrind !== undefined) {
    const path = join(folder, "valgrind");
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${valgrind}\n`);
    chmodSync(path, 0o755);
  }
  return { PATH: folder };
}

const misses = (none: number, ours: number, malloc: number): string =>
  `case "$*" in
*"--route none"*) n=${none};;
*"--route malloc"*) n=${malloc};;
*) n=${ours};;
esac
echo "==1== D1  misses:        $n  (" >&2`;

describe("the claim that needs cachegrind", () => {
  const name = "m001-cache-efficiency";
  const found = async (valgrind?: string): Promise<Claim | undefined> => {
    const scratch = new Scratch();
    return (await claims(scratch, [name], [], pathWith(scratch, valgrind)))[name];
  };

  it("is not measured without valgrind, and says what to install", async () => {
    expect(await found()).toMatchObject({ verdict: "not measured", value: null });
    expect((await found())?.note).toMatch(/apt-get install valgrind/);
  });

  it.each([
    ["fails", "echo 'no such tool' >&2; exit 1", /rustydb|none under cachegrind: .*no such tool/s],
    ["tells nothing", "exit 0", /did not tell the misses/],
  ])("is not measured where valgrind %s", async (_, script, note) => {
    const claim = await found(script);
    expect(claim).toMatchObject({ verdict: "not measured", value: null });
    expect(claim?.note).toMatch(note);
  });

  it.each([
    ["half", misses(1000, 2000, 3000), 1, "met"],
    ["a tenth less", misses(0, 1000, 1100), 0.1, "not met"],
  ])("follows what cachegrind counts: %s", async (_, script, gain, verdict) => {
    const claim = await found(script);
    expect(claim?.value?.estimate).toBeCloseTo(gain, 9);
    expect(claim?.verdict).toBe(verdict);
  });
});
