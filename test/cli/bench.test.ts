import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ResultFile, resultFileSchema } from "../../src/measure/measurement.js";
import { eventually, replaysIn, root, runTool, Scratch, startTool } from "./tool.js";

const FEW = ["-a", "malloc,rustydb", "--quick", "-r", "3", "--no-tui"];

function savedIn(path: string): ResultFile {
  return resultFileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}

describe("bench", () => {
  it("names its benchmarks and runs none", async () => {
    const { code, stdout } = await runTool(["bench", "--list"]);
    expect(code).toBe(0);
    const names = stdout.trim().split("\n");
    for (const name of [
      "hot-path/replace-1m",
      "large/churn",
      "threads/handover",
      "pressure",
      "claims/m003-rollback",
    ])
      expect(names).toContain(name);
  });

  it("gives a table with intervals and the mean, and a result that the other reports take", async () => {
    const scratch = new Scratch();
    const [json, markdown] = [scratch.file("r.json"), scratch.file("r.md")];
    const words = ["bench", "hot-path/pairs", "hot-path/replace-2k", ...FEW];
    const run = await runTool([...words, "--export-json", json, "--export-markdown", markdown], { scratch });
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^hot-path: .* the time of malloc|^hot-path: malloc is the fastest/);
    expect(run.stdout).toMatch(/\npairs +[\d.]+ +~?[\d.]+× \[[\d.]+, [\d.]+\]/);
    expect(run.stdout).toMatch(/\ngeometric mean +~?[\d.]+× \[/);
    const file = savedIn(json);
    expect(file.bench?.suites).toMatchObject([
      { name: "hot-path", cases: ["hot-path/pairs", "hot-path/replace-2k"] },
    ]);
    for (const result of file.results) {
      expect(result.verified).toBe(true);
      expect(result.rounds).toHaveLength(3);
    }
    expect(readFileSync(markdown, "utf8")).toMatch(/\| pairs \|/);
    const again = await runTool(["report", json], { scratch });
    expect(again.stdout).toContain("hot-path: small blocks on one thread");
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("says what has changed since a saved result", async () => {
    const scratch = new Scratch();
    const [json, twice] = [scratch.file("r.json"), scratch.file("twice.json")];
    const words = ["bench", "hot-path/pairs", ...FEW];
    await runTool([...words, "-r", "6", "--export-json", json], { scratch });
    // As if rustydb had taken a tenth of the time then.
    const faster = savedIn(json);
    for (const { ratio } of faster.comparisons) {
      ratio.median /= 10;
      if (ratio.low !== null) ratio.low /= 10;
      if (ratio.high !== null) ratio.high /= 10;
    }
    writeFileSync(twice, JSON.stringify(faster));
    const { code, stdout } = await runTool([...words, "-r", "6", "--compare", twice], { scratch });
    expect(code).toBe(0);
    expect(stdout).toMatch(/since \S*twice\.json 1 of 1 times are longer, 0 shorter/);
  });

  it("refuses a file to compare with before anything runs", async () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("bad.json"), "{}");
    const { code, stderr, ms } = await runTool(["bench", "--compare", scratch.file("bad.json")], { scratch });
    expect(code).toBe(1);
    expect(stderr).toContain("bad.json");
    expect(ms).toBeLessThan(5000);
  });

  it("suggests what was meant", async () => {
    const { code, stderr } = await runTool(["bench", "hot-pat"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no suite and no benchmark "hot-pat"[\s\S]*hot-path/);
  });

  it("that is interrupted reports what was finished, and leaves nothing", async () => {
    const scratch = new Scratch();
    const { child, outcome } = startTool(
      ["bench", "hot-path", "-a", "malloc,rustydb", "-r", "400", "--no-tui"],
      {
        scratch,
      },
    );
    await eventually(() => replaysIn(scratch).length > 1, 20_000, "replay processes side by side");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stdout).toMatch(/Partial/);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });
});

/** The malloc of the C library, each call so many cycles longer. */
function slowMalloc(scratch: Scratch): string {
  const library = scratch.file("slow.so");
  execFileSync("c++", [
    ...["-std=c++20", "-O2", "-fPIC", "-shared", "-o", library],
    join(root, "test/native/preload/slow_malloc.cc"),
  ]);
  return library;
}

describe("bench claims", () => {
  const CLAIMS = ["claims/latency-in-a-transaction", "claims/m003-speed-*", "claims/m004-coalescing-*"];

  it("judges what it measures: another allocator in the place of ours has other verdicts", async () => {
    const scratch = new Scratch();
    const verdicts = async (...more: string[]): Promise<Record<string, string>> => {
      const json = scratch.file("claims.json");
      const { code } = await runTool(["bench", ...CLAIMS, "--quick", "-q", "--export-json", json, ...more], {
        scratch,
      });
      expect(code).toBe(0);
      return Object.fromEntries(
        (savedIn(json).bench?.claims ?? []).map(({ claim, verdict }) => [claim, verdict]),
      );
    };
    const ours = await verdicts();
    expect(ours["speed, more than malloc's by"]).toBe("met");
    expect(ours["in a transaction"]).not.toBe("not met");
    expect(ours["coalescing efficiency"]).not.toBe("not measured");
    const slow = await verdicts("--subject", `slow=${slowMalloc(scratch)}[SLOW_SPINS=400]`);
    expect(slow).toEqual({
      "in a transaction": "not met",
      "speed, more than malloc's by": "not met",
      // It does not count that.
      "coalescing efficiency": "not measured",
    });
  }, 90_000);

  it("goes on without cachegrind, and says what to install", async () => {
    const scratch = new Scratch();
    const json = scratch.file("claims.json");
    const { code } = await runTool(["bench", "claims/m001-cache-*", "-q", "--export-json", json], {
      scratch,
      env: { PATH: scratch.path },
    });
    expect(code).toBe(0);
    expect(savedIn(json).bench?.claims).toMatchObject([
      { verdict: "not measured", note: expect.stringContaining("apt-get install valgrind") as string },
    ]);
  });
});
