import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { ReplayError } from "../../src/errors.js";
import type { ResultFile } from "../../src/measure/measurement.js";
import { answerOf, overallAnswer } from "../../src/report/answer.js";
import { csvReport } from "../../src/report/csv.js";
import { jsonReport } from "../../src/report/json.js";
import { markdownReport } from "../../src/report/markdown.js";
import { terminalReport } from "../../src/report/terminal.js";
import { measuredTrace, resultFile, steadyWorld } from "../measure/sample.js";

const plain = new Chalk({ level: 0 });
const coloured = new Chalk({ level: 1 });

function terminal(file: ResultFile, more: Partial<Parameters<typeof terminalReport>[1]> = {}): string {
  return terminalReport(file, {
    chalk: plain,
    width: 100,
    sort: "time",
    unit: undefined,
    verbose: false,
    ...more,
  });
}

const first = (file: ResultFile) => file.traces[0] as ResultFile["traces"][number];

describe("the answer", () => {
  it("says in words how ours stands to the baseline, in time and in memory", async () => {
    const file = resultFile([await measuredTrace("a")]);
    expect(answerOf(file, first(file))).toMatch(
      /^rustydb is (1\.9\d|2\.0\d)× faster than malloc and takes 27 % less memory at its peak\.$/,
    );
  });

  it("names who is faster, and who is smaller, where ours is neither", async () => {
    const file = resultFile([
      await measuredTrace("a", {
        ...steadyWorld,
        passNs: ({ name }) => ({ none: 1000, jemalloc: 2000, malloc: 7000 })[name] ?? 8000,
        overheadBytes: ({ name }) => (name === "malloc" ? 10 : 800),
      }),
    ]);
    const answer = answerOf(file, first(file));
    expect(answer).toMatch(/^rustydb is 1\.1\d× slower than malloc and takes 78 % more memory at its peak;/);
    expect(answer).toMatch(/; the fastest is jemalloc, [56]\.\d\d× faster than malloc; /);
    expect(answer).toContain("the smallest is malloc.");
  });

  it("does not call a difference what is none", async () => {
    const file = resultFile([
      await measuredTrace("a", { passNs: () => 5000, noise: 0.05, overheadBytes: () => 100 }),
    ]);
    const flat = {
      ...file,
      comparisons: file.comparisons.map((each) => ({
        ...each,
        ratio: { median: 1.01, low: 0.9, high: 1.1 },
      })),
    };
    expect(answerOf(flat, first(flat))).toContain("as fast as malloc (as far as could be seen)");
  });

  it("says so where there is nothing to compare", async () => {
    const file = resultFile([await measuredTrace("a")]);
    const alone = {
      ...file,
      comparisons: [],
      results: file.results.filter((result) => result.allocator === "malloc"),
    };
    expect(answerOf(alone, first(alone))).toBe(
      "Only malloc was measured on this trace: there is nothing to compare it with.",
    );
    expect(answerOf({ ...alone, results: [] }, first(alone))).toBe(
      "Nothing could be compared on this trace.",
    );
  });

  it("sums several traces up by their geometric mean", async () => {
    const file = resultFile([await measuredTrace("a"), await measuredTrace("b")]);
    expect(overallAnswer(file)).toMatch(
      /^Over the 2 traces \(geometric mean\) rustydb is .* faster than malloc and takes 27 % less memory\.$/,
    );
  });
});

describe("the report on a terminal", () => {
  it("leads with the answer, then the figures, then how to get them again", async () => {
    const text = terminal(resultFile([await measuredTrace("a")]));
    const order = [
      "rustydb is ",
      "allocator",
      "Libraries:",
      "Machine: Test CPU",
      "Again: rustydb-mem replay 'my trace.rmt' --seed 7",
    ];
    const places = order.map((part) => text.indexOf(part));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it("has a row for each allocator with ratio and interval, times, memory, latency and the check", async () => {
    const rows = terminal(resultFile([await measuredTrace("a")])).split("\n");
    const row = rows.find((line) => line.startsWith("rustydb ") && line.includes("["));
    expect(row).toMatch(
      /^rustydb +0\.\d\d× \[0\.\d\d, 0\.\d\d\] +[23]\.\d\d +[34]\.\d\d +~?0\.\d\d× +1\.07 KiB +0\.73× +– +< 20\.0 ns +< 20\.0 ns +yes$/,
    );
    expect(rows.find((line) => line.startsWith("malloc "))).toMatch(/^malloc +1× /);
  });

  it("sorts as asked", async () => {
    const file = resultFile([await measuredTrace("a")]);
    const order = (sort: "time" | "memory" | "name" | "given"): string[] =>
      terminal(file, { sort })
        .split("\n")
        .filter((line) => /^(rustydb|malloc|jemalloc) .*(yes)$/.test(line))
        .map((line) => line.split(" ")[0] as string);
    expect(order("time")).toEqual(["rustydb", "jemalloc", "malloc"]);
    expect(order("memory")).toEqual(["rustydb", "malloc", "jemalloc"]);
    expect(order("name")).toEqual(["jemalloc", "malloc", "rustydb"]);
    expect(order("given")).toEqual(["rustydb", "malloc", "jemalloc"]);
  });

  it("has no escape code unless colours are wanted", async () => {
    const file = resultFile([await measuredTrace("a")]);
    expect(terminal(file)).not.toContain("\x1b");
    expect(terminal(file, { chalk: coloured })).toContain("\x1b[32m");
  });

  it("marks with ~ what is below the noise floor, and states the floor", async () => {
    const file = resultFile([await measuredTrace("a", steadyWorld, { aa: true })]);
    const noisy = { ...file, harness: { ...file.harness, noiseFloor: { a: 3 } } };
    const text = terminal(noisy);
    expect(text).toMatch(/rustydb +~0\.\d\d×/);
    expect(text).toContain("Noise floor on a: 300 % (malloc against itself).");
  });

  it("shows an allocator that failed as such, with the reason among the warnings", async () => {
    const file = resultFile([
      await measuredTrace("a", {
        ...steadyWorld,
        before: ({ allocator: { name }, mode }) => {
          if (name === "jemalloc" && mode === "check")
            throw new ReplayError("corrupted-block", "jemalloc", "jemalloc: a byte changed");
        },
      }),
    ]);
    const text = terminal(file);
    expect(text).toMatch(/jemalloc +–.*FAILED/);
    expect(text).toContain("! a: jemalloc was stopped: jemalloc: a byte changed");
  });

  it("leaves out what was not measured", async () => {
    const measured = await measuredTrace("a", steadyWorld, { memory: false, latency: false, verify: false });
    const file = resultFile([measured]);
    const text = terminal({ ...file, options: { ...file.options, verify: false } });
    expect(text).not.toMatch(/peak memory|p99|verified/);
  });

  it("says on top that it is partial", async () => {
    expect(terminal(resultFile([await measuredTrace("a")], { partial: true })).startsWith("Partial")).toBe(
      true,
    );
  });

  it("has a section a trace, and the mean over them", async () => {
    const text = terminal(resultFile([await measuredTrace("one"), await measuredTrace("two")]));
    expect(text.indexOf("one (900 events")).toBeLessThan(text.indexOf("two (900 events"));
    expect(text.startsWith("Over the 2 traces (geometric mean) rustydb is ")).toBe(true);
  });
});

describe("the other formats", () => {
  it("JSON: the result file and nothing else", async () => {
    const file = resultFile([await measuredTrace("a")]);
    expect(JSON.parse(jsonReport(file))).toEqual(file);
  });

  it("Markdown: tables whose rows all have as many cells, names escaped", async () => {
    const file = resultFile([await measuredTrace("a|b*.rmt")]);
    const text = markdownReport(file, { sort: "time", unit: undefined });
    const tables = text.split("\n\n").filter((part) => part.startsWith("| "));
    expect(tables).toHaveLength(2);
    for (const table of tables) {
      const widths = table.split("\n").map((line) => line.split(/(?<!\\)\|/).length);
      expect(widths).toHaveLength(5);
      expect(new Set(widths).size).toBe(1);
    }
    expect(text.match(/<details>\n<summary>.*<\/summary>\n\n/g)).toHaveLength(2);
    expect(text.match(/\n\n<\/details>/g)).toHaveLength(2);
    expect(text).toContain("## a\\|b\\*.rmt");
    expect(text).toContain("`rustydb-mem replay 'my trace.rmt' --seed 7`");
  });

  it("Markdown of many traces fits in a comment on GitHub, and says what was left out", async () => {
    const one = resultFile([await measuredTrace("a")]);
    const many = (count: number, length: number): ResultFile => {
      const names = Array.from({ length: count }, (_, index) => `${"long-".repeat(length)}${index}.rmt`);
      return {
        ...one,
        traces: names.flatMap((name) => one.traces.map((each) => ({ ...each, name }))),
        results: names.flatMap((trace) => one.results.map((each) => ({ ...each, trace }))),
        comparisons: names.flatMap((trace) => one.comparisons.map((each) => ({ ...each, trace }))),
        warnings: names.map((name) => `${name}: something is odd`),
      };
    };
    const text = (count: number, length = 2): string =>
      markdownReport(many(count, length), { sort: "time", unit: undefined });
    expect(text(3)).not.toContain("Shortened");
    expect(text(3)).toContain("All figures of");
    for (const [count, length] of [
      [40, 2],
      [120, 2],
      [150, 20],
      [500, 5],
    ] as const) {
      const shortened = text(count, length);
      expect(shortened.length).toBeLessThan(65_536);
      expect(shortened).toContain("long-0.rmt");
    }
    expect(text(120)).toContain("Shortened");
    expect(text(500)).toMatch(/… and \d+ more traces\./);
    expect(text(40)).toContain("long-39.rmt");
  });

  it("CSV: a row an allocator, every row as wide as the head, quotes where needed", async () => {
    const file = resultFile([await measuredTrace('a,"b"')]);
    const [head, ...rows] = csvReport(file).trim().split("\n");
    expect(rows).toHaveLength(3);
    expect(rows[0]?.startsWith('"a,""b""",rustydb,rustydb,')).toBe(true);
    const width = (head ?? "").split(",").length;
    for (const row of rows) expect(row.replace(/^"a,""b"""/, "a").split(",")).toHaveLength(width);
    const column = (name: string, row: string | undefined): string | undefined =>
      row?.replace(/^"a,""b"""/, "a").split(",")[(head ?? "").split(",").indexOf(name)];
    expect(Number(column("warm_ratio", rows[0]))).toBeCloseTo(0.5, 1);
    expect(column("warm_ratio", rows[1])).toBe("");
    expect(column("verified", rows[0])).toBe("true");
  });
});
