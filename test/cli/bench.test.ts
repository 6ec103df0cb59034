import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Chalk } from "chalk";
import { beforeAll, describe, expect, it } from "vitest";
import { CLAIM_NAMES } from "../../src/bench/claims/claims.js";
import { type ResultFile, resultFileSchema } from "../../src/measure/measurement.js";
import { terminalReport } from "../../src/report/terminal.js";
import { crashingMalloc } from "./crashing-malloc.js";
import { eventually, replaysIn, root, runTool, Scratch, startTool } from "./tool.js";

const ALLOCATORS = ["malloc", "rustydb", "slab", "arena", "large", "rustydb-malloc"];

describe("bench --list", () => {
  it("names all benchmarks and claims, and runs none", async () => {
    const { code, stdout, stderr } = await runTool(["bench", "--list"], {
      env: { RUSTYDB_MEM_REPLAY: "/nowhere" },
    });
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    for (const name of ["hot-path/pairs", "large/huge-pages", "threads/storm", "aging/long-running"])
      expect(lines).toContain(name);
    expect(lines.slice(-CLAIM_NAMES.length - 1)).toEqual(["pressure", ...CLAIM_NAMES]);
  });
});

describe("a suite of benchmarks", () => {
  let terminal: string;
  let file: ResultFile;
  let markdown: string;
  beforeAll(async () => {
    const folder = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
    const [json, md] = [join(folder, "bench.json"), join(folder, "bench.md")];
    try {
      const { code, stdout, stderr } = await runTool([
        ...["bench", "hot-path/pairs", "hot-path/batches-16", "transactions/commit", "--quick"],
        ...["-a", ALLOCATORS.join(","), "--export-json", json, "--export-markdown", md],
      ]);
      expect([code, stderr.replace(/^hot-path.*|^transactions.*/gm, "").trim()]).toEqual([0, ""]);
      terminal = stdout;
      file = resultFileSchema.parse(JSON.parse(readFileSync(json, "utf8")));
      markdown = readFileSync(md, "utf8");
    } finally {
      execFileSync("rm", ["-r", folder]);
    }
  });

  it("gives a valid result, by suites, with a mean for each", () => {
    expect(file.partial).toBe(false);
    expect(file.bench?.suites.map(({ name, cases }) => [name, cases])).toEqual([
      ["hot-path", ["hot-path/pairs", "hot-path/batches-16"]],
      ["transactions", ["transactions/commit"]],
    ]);
    const [hot] = file.bench?.suites ?? [];
    const means = hot?.means.filter(({ metric, net }) => metric === "warm" && net) ?? [];
    expect(means.map(({ allocator }) => allocator).sort()).toEqual(ALLOCATORS.slice(1).sort());
    for (const { traces, ratio } of means) {
      expect(traces).toBe(2);
      expect(ratio.median).toBeGreaterThan(0);
    }
    for (const { allocator, trace, rounds, verified, memory } of file.results) {
      if (allocator === "none") continue;
      expect([allocator, rounds.length, verified]).toEqual([allocator, 4, true]);
      // Only what ages is weighed with --quick.
      expect(memory, trace).toBeUndefined();
    }
  });

  it("has its times measured, not repeated", () => {
    const times = file.results.flatMap(({ rounds }) => rounds.flatMap(({ warmNs }) => warmNs));
    expect(new Set(times).size).toBeGreaterThan(times.length / 2);
  });

  it("is reported with an answer, a table and its mean", () => {
    const [answer = ""] = terminal.split("\n");
    expect(answer).toMatch(/^hot-path: \S+ (takes .* the time of malloc|is the fastest)/);
    expect(terminal).toMatch(/hot-path: small blocks on one thread/);
    expect(terminal).toMatch(/^pairs +[\d.]+ /m);
    expect(terminal).toMatch(/^geometric mean +~?[\d.]+× \[/m);
    expect(terminal).toMatch(/^Again: rustydb-mem bench hot-path\/pairs/m);
  });

  it("is the same in Markdown", () => {
    expect(markdown).toMatch(/^\|.*malloc ns\/event.*\| rustydb/m);
    expect(markdown).toMatch(/^\| pairs +\|/m);
    expect(markdown).toMatch(/^\| geometric mean +\|/m);
  });

  it("has tables that break at the end of the line, each with the names of its rows", () => {
    const at = (width: number): string[] =>
      terminalReport(file, {
        chalk: new Chalk({ level: 0 }),
        width,
        sort: "given",
        unit: undefined,
        verbose: false,
      }).split("\n");
    const titles = (lines: readonly string[]): string[] =>
      lines.filter((line) => line.startsWith("hot-path: small"));
    expect(titles(at(140))).toHaveLength(1);
    const narrow = at(80);
    expect(titles(narrow).length).toBeGreaterThan(1);
    expect(narrow.filter((line) => /^pairs /.test(line))).toHaveLength(titles(narrow).length);
    for (const line of narrow) if (!line.startsWith("Again: ")) expect(line.length, line).toBeLessThan(81);
    const heads = narrow.filter((line) => line.includes("malloc ns/event")).join(" ");
    for (const name of ALLOCATORS) expect(heads).toContain(name);
  });
});

describe("bench that is interrupted", () => {
  it("reports what was finished, ends with 130, and leaves nothing", async () => {
    const scratch = new Scratch();
    const json = scratch.file("bench.json");
    const { child, outcome } = startTool(
      ["bench", "hot-path/pairs*", "-a", "malloc,rustydb", "-r", "100000", "--export-json", json],
      { scratch },
    );
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
    });
    await eventually(() => /round ([4-9]|\d\d+) of/.test(said), 25_000, "the fourth round");
    child.kill("SIGINT");
    const { code, stdout, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(stdout).toMatch(/partial/i);
    expect(stdout).toMatch(/^pairs /m);
    const file = resultFileSchema.parse(JSON.parse(readFileSync(json, "utf8")));
    expect(file.partial).toBe(true);
    expect(file.bench?.suites).toMatchObject([{ name: "hot-path", cases: ["hot-path/pairs"] }]);
    expect(file.results[0]?.rounds.length).toBeGreaterThan(1);
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });
});

describe("an allocator that crashes", () => {
  it("is told of, the others are measured, and the exit code is 1", async () => {
    const scratch = new Scratch();
    const library = crashingMalloc(scratch);
    const { code, stdout } = await runTool(
      ["bench", "hot-path/pairs", "--quick", "-q", "-a", `malloc,rustydb,crash=${library}`],
      { scratch },
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^pairs .*failed/m);
    expect(stdout).toMatch(/crash.*SIGABRT/);
    expect(stdout).toMatch(/^hot-path: .*rustydb/m);
    expect(scratch.leftBehind()).toEqual([]);
  });
});

describe("bench refuses before anything runs", () => {
  it.each([
    [["bench", "hot-pth"], /no suite and no benchmark "hot-pth"[\s\S]*Did you mean "hot-path"/],
    [["bench", "pressure", "-a", "jemaloc"], /no allocator "jemaloc"/],
    [["bench", "pressure", "claims", "--subject", "jemaloc"], /no allocator "jemaloc"/],
    [["bench", "pressure", "--baseline", "jemaloc"], /no allocator "jemaloc"/],
    [["bench", "pressure", "--compare", join(root, "package.json")], /package\.json/],
    [["bench", "pressure", "--compare", "/nowhere.json"], /nowhere\.json/],
  ])("%j", async (words, message) => {
    const { code, stdout, stderr } = await runTool(words);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/ {4}at |sample each|adaptive/);
  });
});
