import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { allocatorsOf } from "../../src/bench/allocators.js";
import { CLAIM_NAMES } from "../../src/bench/claims/claims.js";
import { selectSuites } from "../../src/bench/selection.js";
import { type BenchSuite, FITS, replaySuites, SUITE_NAMES } from "../../src/bench/suites.js";
import { chooseAllocators, chooseBaseline, findPeers } from "../../src/engine/allocators.js";
import { showHeapConfig } from "../../src/engine/heap-config.js";
import { compileGenerated } from "../../src/engine/plan.js";
import { runRound } from "../../src/engine/replayer.js";
import { Workspace } from "../../src/engine/workspace.js";
import { UsageError } from "../../src/errors.js";
import { packageRoot } from "../../src/native.js";
import { compileWorkload } from "../../src/workload/compile.js";
import { findWorkload } from "../../src/workload/shipped.js";

const FOLDER = join(packageRoot, "workloads", "bench");
const FILES = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .sort();

function newWorkspace(): Workspace {
  const workspace = new Workspace();
  onTestFinished(() => workspace.dispose());
  return workspace;
}

const suite = (name: string): BenchSuite =>
  replaySuites(false).find((each) => each.name === name) as BenchSuite;

describe("the workloads of benchmarks", () => {
  it("are those of the suites: each case has its file, and each file its case", () => {
    const used = replaySuites(false, 4)
      .flatMap(({ cases }) => cases.map(({ workload }) => workload))
      .filter((path) => path.startsWith(FOLDER))
      .map((path) => relative(FOLDER, path));
    expect([...new Set(used)].sort()).toEqual(FILES);
  });

  it.each(FILES)("%s names its schema in the first line", (name) => {
    const [first = ""] = readFileSync(join(FOLDER, name), "utf8").split("\n");
    expect(first).toBe("# yaml-language-server: $schema=../../workload.schema.json");
    const schema = join(dirname(join(FOLDER, name)), "../../workload.schema.json");
    expect(JSON.parse(readFileSync(schema, "utf8"))).toHaveProperty("$schema");
  });

  it.each(FILES)("%s is right, is called as its file, and is verified by a check round", async (name) => {
    const workload = findWorkload(join(FOLDER, name));
    expect(`${workload.spec.workload}.yaml`).toBe(name.replace(/.*\//, ""));
    expect(workload.spec.description?.length).toBeGreaterThan(20);
    // As little as shows every mechanism: the check writes and reads every byte.
    const program = compileWorkload(workload, { events: 4000 });
    const { path, trace } = await compileGenerated(program, name, newWorkspace());
    expect(trace.measuredEvents).toBeGreaterThan(500);
    expect(trace).toMatchObject({ dropped: 0, repaired: 0 });
    const [allocator] = chooseAllocators(["rustydb"]).allocators;
    if (allocator === undefined) throw new Error("rustydb is built in");
    const { passes } = await runRound({
      ...{ allocator, mode: "check", planPath: path, order: "recorded", warmPasses: 1 },
      ...{ touch: "page", speed: "max", idleMs: 0 },
    });
    expect(passes).toHaveLength(1);
  });
});

describe("the suites", () => {
  it("have names of their own, and so have their cases", () => {
    const suites = replaySuites(false);
    const names = suites.flatMap(({ name, cases }) => cases.map((each) => `${name}/${each.name}`));
    expect(new Set(names).size).toBe(names.length);
    expect([...suites.map(({ name }) => name), "pressure", "claims"]).toEqual(SUITE_NAMES);
  });

  it.each([
    [1, ["local-1", "local-2"]],
    [2, ["local-1", "local-2", "local-4"]],
    [6, ["local-1", "local-2", "local-4", "local-8", "local-12"]],
  ])("go up to twice the CPUs, with %i of them", (cpus, locals) => {
    const threads = replaySuites(false, cpus).find(({ name }) => name === "threads");
    const found = threads?.cases.filter(({ name }) => name.startsWith("local-")) ?? [];
    expect(found.map(({ name }) => name)).toEqual(locals);
    expect(found.map(({ overrides }) => `local-${overrides?.threads}`)).toEqual(locals);
  });
});

describe("selecting benchmarks", () => {
  const suites = replaySuites(false, 2);
  const select = (words: readonly string[], quick = false) => {
    const { suites: chosen, pressure, claims } = selectSuites(words, suites, CLAIM_NAMES, quick);
    const names = chosen.flatMap(({ name, cases }) => cases.map((each) => `${name}/${each.name}`));
    return { names, pressure, claims };
  };
  const refusal = (word: string): UsageError => {
    try {
      select([word]);
    } catch (error) {
      if (error instanceof UsageError) return error;
      throw error;
    }
    throw new Error(`${word} was taken`);
  };

  it("takes all but the claims where nothing is named", () => {
    const { names, pressure, claims } = select([]);
    expect(names).toHaveLength(suites.reduce((sum, { cases }) => sum + cases.length, 0));
    expect([pressure, claims]).toEqual([true, []]);
  });

  it("takes suites, benchmarks and patterns, each once and in the order of the suites", () => {
    expect(select(["threads", "hot-path/pairs"]).names).toEqual([
      "hot-path/pairs",
      ...["threads/local-1", "threads/local-2", "threads/local-4", "threads/handover", "threads/storm"],
    ]);
    expect(select(["hot-path/pairs*", "hot-path/pairs"]).names).toEqual([
      "hot-path/pairs",
      "hot-path/pairs-mixed",
      "hot-path/pairs-4k",
    ]);
    expect(select(["*/reuse"]).names).toEqual(["large/reuse"]);
    expect(select(["pressure"])).toEqual({ names: [], pressure: true, claims: [] });
  });

  it("takes letters that mean something in patterns of others as they are", () => {
    for (const word of ["hot.path", "(hot-path)", "hot-path/[p]airs", "hot-path/pairs?", "hot-path|large"])
      expect(() => select([word]), word).toThrow(UsageError);
  });

  it("takes claims, all or by name, whatever their letters", () => {
    expect(select(["claims"]).claims).toEqual(CLAIM_NAMES);
    expect(select(["claims/m003-rollback"]).claims).toEqual(["claims/m003-rollback"]);
    const area = select(["claims/M003*"]);
    expect(area.claims).toEqual(CLAIM_NAMES.filter((name) => name.startsWith("claims/m003-")));
    expect(area.claims.length).toBeGreaterThan(3);
    expect(area.names).toEqual([]);
  });

  it("takes a few of each suite that is named as a whole with --quick, and whatever is named itself", () => {
    expect(select(["hot-path"], true).names).toEqual([
      ...["hot-path/pairs-mixed", "hot-path/batches-1000-any", "hot-path/growing"],
      "hot-path/replace-2k",
    ]);
    expect(select(["hot-path/pairs"], true).names).toEqual(["hot-path/pairs"]);
    const chosen = new Set(select([], true).names.map((name) => name.split("/")[0]));
    expect([...chosen, "pressure", "claims"]).toEqual(SUITE_NAMES);
  });

  it.each([
    ["hot-pth", 'Did you mean "hot-path"?'],
    ["claim", 'Did you mean "claims"?'],
    ["hot-path/piars", 'Did you mean "hot-path/pairs"?'],
    ["claims/m003-rolback", 'Did you mean "claims/m003-rollback"?'],
    ["everything", `Known here: ${SUITE_NAMES.join(", ")}.`],
    ["large/xxxxxxxxxx", "Known here: large/reuse, large/reuse-64m, large/churn"],
  ])("answers %s with what was meant", (word, remedy) => {
    const error = refusal(word);
    expect(error.code).toBe("unknown-suite");
    expect(error.message).toContain(`"${word}"`);
    expect(error.remedy).toContain(remedy);
  });
});

describe("the allocators of a suite", () => {
  const none = findPeers().map((peer) => ({ ...peer, path: undefined }));

  it("are its own, without the peers that are not installed, each of which is told of", () => {
    const { allocators, warnings } = allocatorsOf(suite("hot-path"), undefined, newWorkspace(), none);
    expect(allocators.map(({ name }) => name)).toEqual(["rustydb", "rustydb-malloc", "malloc"]);
    expect(warnings).toHaveLength(none.length);
    for (const { name, package: from } of none)
      expect(warnings).toContain(`${name} is not installed and was left out (apt-get install ${from}).`);
  });

  it("are those that were named, and one that is not installed is an error then", () => {
    const workspace = newWorkspace();
    const { allocators, warnings } = allocatorsOf(suite("large"), ["slab,malloc"], workspace, none);
    expect(allocators.map(({ name }) => name)).toEqual(["slab", "malloc"]);
    expect(warnings).toEqual([]);
    expect(() => allocatorsOf(suite("large"), ["jemalloc"], workspace, none)).toThrow(/not installed/);
  });

  it("of large are three heaps that differ in their fit, and in nothing else", () => {
    const { allocators } = allocatorsOf(suite("large"), undefined, newWorkspace(), none);
    const fits = FITS.map((fit) => allocators.find(({ name }) => name === `rustydb[fit=${fit}]`));
    const shown = fits.map((each) => showHeapConfig(each?.config?.path).split("\n"));
    for (const [index, fit] of FITS.entries()) {
      expect(shown[index]).toContain(`fit = "${fit}"`);
      const others = (lines: readonly string[] | undefined) =>
        lines?.filter((line) => !line.startsWith("fit = "));
      expect(others(shown[index])).toEqual(others(shown[0]));
    }
    expect(new Set(fits.map((each) => each?.config?.sha256)).size).toBe(3);
  });

  it("are compared with the one that was named, else malloc, else the first", () => {
    const of = (list: string, named?: string): string =>
      chooseBaseline(chooseAllocators([list]).allocators, named).name;
    expect(of("rustydb,malloc")).toBe("malloc");
    expect(of("rustydb,slab")).toBe("rustydb");
    expect(of("rustydb,malloc", "rustydb")).toBe("rustydb");
    expect(of("rustydb", "slab")).toBe("slab");
    expect(() => of("rustydb", "nowhere")).toThrow(/no allocator/);
  });
});
