import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allocatorsOf, baselineOf } from "../../src/bench/allocators.js";
import { CLAIM_NAMES } from "../../src/bench/claims/claims.js";
import { selectSuites } from "../../src/bench/selection.js";
import { replaySuites } from "../../src/bench/suites.js";
import { Workspace } from "../../src/engine/workspace.js";
import { packageRoot } from "../../src/native.js";
import { runGenerated } from "../../src/trace/generated.js";
import { compileWorkload } from "../../src/workload/compile.js";
import { findWorkload } from "../../src/workload/shipped.js";

const folder = join(packageRoot, "workloads", "bench");
const suites = replaySuites(false, 2);
const cases = suites.flatMap((suite) =>
  suite.cases.map((each) => ({ ...each, full: `${suite.name}/${each.name}` })),
);
const names = (words: readonly string[], quick = false): string[] =>
  selectSuites(words, suites, CLAIM_NAMES, quick).suites.flatMap((suite) =>
    suite.cases.map((each) => `${suite.name}/${each.name}`),
  );

describe("the suites", () => {
  it("have a case for each workload of their folder, and a workload for each case", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => join(folder, name));
    expect(files.length).toBeGreaterThan(20);
    const used = new Set(cases.map(({ workload }) => workload));
    for (const file of files) expect(used, file).toContain(file);
    for (const { workload } of cases) {
      if (workload.endsWith(".yaml")) expect(existsSync(workload), workload).toBe(true);
    }
  });

  it.each(cases.filter(({ workload }) => workload.endsWith(".yaml")))(
    "$full is a valid workload",
    async ({ workload, overrides }) => {
      expect(readFileSync(workload, "utf8").split("\n")[0]).toBe(
        "# yaml-language-server: $schema=../../workload.schema.json",
      );
      const program = compileWorkload(findWorkload(workload), { ...overrides, events: 2000 });
      const run = await runGenerated(program, { kind: "inspect" });
      expect(run.report).toMatchObject({ dropped: 0, repaired: 0 });
      expect(run.analysis?.events).toBeGreaterThan(500);
    },
  );

  it("of a million blocks have a million blocks", async () => {
    const program = compileWorkload(findWorkload(join(folder, "hot-path", "replace-1m.yaml")));
    const run = await runGenerated(program, { kind: "inspect" });
    expect(run.analysis?.peakLiveBlocks).toBeGreaterThan(0.9e6);
    expect(run.analysis?.peakLiveBlocks).toBeLessThan(1.1e6);
  });

  it("are chosen by name, by pattern, and all but the claims by nothing", () => {
    expect(names(["hot-path/pairs"])).toEqual(["hot-path/pairs"]);
    expect(names(["hot-path/replace-*"])).toEqual([
      "hot-path/replace-2k",
      "hot-path/replace-100k",
      "hot-path/replace-1m",
    ]);
    expect(names(["threads"])).toEqual([
      "threads/local-1",
      "threads/local-2",
      "threads/local-4",
      "threads/handover",
      "threads/storm",
    ]);
    expect(names([])).toHaveLength(cases.length);
    expect(selectSuites([], suites, CLAIM_NAMES)).toMatchObject({ pressure: true, claims: [] });
    const all = selectSuites(["claims"], suites, CLAIM_NAMES);
    expect(all).toMatchObject({ suites: [], pressure: false });
    expect(all.claims).toHaveLength(CLAIM_NAMES.length);
    expect(
      selectSuites(["claims/m003-*"], suites, CLAIM_NAMES).claims.map((name) => name.slice(7, 11)),
    ).toEqual(Array.from({ length: 5 }, () => "m003"));
  });

  it("are cut by --quick only where they are named as a whole", () => {
    expect(names(["hot-path"], true).length).toBeLessThan(names(["hot-path"]).length);
    expect(names(["hot-path/pairs"], true)).toEqual(["hot-path/pairs"]);
  });

  it("suggest what was meant", () => {
    expect(() => selectSuites(["hot-pth"], suites, CLAIM_NAMES)).toThrow(
      /no suite and no benchmark "hot-pth"/,
    );
  });
});

describe("the allocators of a suite", () => {
  const workspace = new Workspace();
  const large = suites.find(({ name }) => name === "large");

  it("are ours in three fits, each with its own configuration", () => {
    if (large === undefined) throw new Error("there is no suite large");
    const { allocators } = allocatorsOf(large, undefined, workspace);
    const fits = allocators.filter(({ name }) => name.startsWith("rustydb[fit="));
    expect(fits.map(({ config }) => config?.text)).toEqual(
      ["best", "first", "worst"].map((fit) => `[pages]\nfit = "${fit}"\n`),
    );
    expect(baselineOf(allocators, undefined).name).toBe("malloc");
  });

  it("are those that the user names", () => {
    if (large === undefined) throw new Error("there is no suite large");
    const { allocators } = allocatorsOf(large, ["rustydb,slab"], workspace);
    expect(allocators.map(({ name }) => name)).toEqual(["rustydb", "slab"]);
    expect(baselineOf(allocators, undefined).name).toBe("rustydb");
    expect(baselineOf(allocators, "slab").name).toBe("slab");
  });
});
