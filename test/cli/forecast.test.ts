import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, runTool, Scratch } from "./tool.js";

const SHIPPED = join(root, "workloads", "series");
const LEAK = join(SHIPPED, "leak-1.rmt.gz");

/** A CSV of one reading a second. */
function csv(
  scratch: Scratch,
  name: string,
  rows: readonly (readonly (string | number)[])[],
  header = "time,used,total",
): string {
  const path = scratch.file(name);
  writeFileSync(path, `${header}\n${rows.map((row) => row.join(",")).join("\n")}\n`);
  return path;
}

describe("forecast", { timeout: 60_000 }, () => {
  it("judges a recording under the limit it was recorded with", async () => {
    const { code, stdout, stderr } = await runTool(["forecast", LEAK, "--explain"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^On 1 series \(0\.6 h\) the adaptive forecasts 60 s ahead/);
    for (const title of [
      "Error over that of no change",
      "Intervals of nine cases in ten",
      "Alarms before memory runs out",
    ])
      expect(stdout).toContain(title);
    expect(stdout).toMatch(/leak-1\.rmt\.gz, limit as told, which is reached after 3\dm \d+s:/);
    expect(stderr).not.toContain("error");
  });

  it("takes a folder, sweeps limits, and compares models", async () => {
    const { code, stdout } = await runTool([
      "forecast",
      SHIPPED,
      "--limit-sweep",
      "--compare",
      "all",
      "--json",
      "-q",
    ]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ schemaVersion: 1, tool: { name: "rustydb-mem" }, optimised: null });
    const [origin] = result.scorecard.origins;
    expect(origin.models.map(({ model }: { model: string }) => model)).toEqual([
      "adaptive",
      "persistence",
      "linear",
      "holt",
      "theil-sen",
    ]);
    // The design's forecaster loses to "no change", and the tool says so.
    expect(origin.models[2].horizons[1].ratio.estimate).toBeGreaterThan(1.2);
    expect(origin.models[0].horizons[1].ratio.estimate).toBeLessThan(1);
  });

  it("says the same twice", async () => {
    const figures = async () => {
      const { stdout } = await runTool(["forecast", LEAK, "--limit-sweep", "--json", "-q"]);
      return JSON.parse(stdout).scorecard;
    };
    expect(await figures()).toEqual(await figures());
  });

  it("writes what it was asked to", async () => {
    const scratch = new Scratch();
    const args = [
      "forecast",
      LEAK,
      "-q",
      "--export-json",
      scratch.file("a.json"),
      "--export-markdown",
      scratch.file("a.md"),
    ];
    expect((await runTool([...args, "--swap", "1GiB", "--zram", "2.5"])).code).toBe(0);
    expect(JSON.parse(readFileSync(scratch.file("a.json"), "utf8")).scorecard.series[0].extras).toHaveLength(
      1,
    );
    expect(readFileSync(scratch.file("a.md"), "utf8")).toContain("## With swap or compressed memory");
  });

  it("looks for a policy on one half of the series", async () => {
    const { code, stdout } = await runTool([
      "forecast",
      SHIPPED,
      "--limit-sweep",
      "--optimise",
      "--false-alarms",
      "1/h",
      "--evictable",
      "none",
      "-q",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/The policy that was found/);
    expect(stdout).toMatch(/held out, static 90 %/);
  });

  it("says that there are no alarms without a limit", async () => {
    const scratch = new Scratch();
    const path = csv(
      scratch,
      "a.csv",
      Array.from({ length: 2000 }, (_, at) => [at, 1e9 + at * 1e5]),
      "time,used",
    );
    const { code, stdout } = await runTool(["forecast", path, "-q"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/No series says how much memory there is/);
    expect(stdout).not.toContain("Alarms before");
  });

  it("takes a workload with samples, which runs out at the limit it names", async () => {
    const { code, stdout } = await runTool([
      "forecast",
      "leak-to-oom",
      "-q",
      "--evictable",
      "none",
      "--explain",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/leak-to-oom, limit as told, which is reached after 21m/);
    expect(stdout).toMatch(/true, \d+ s ahead|true, \d+m \d+s ahead/);
  });

  it("tells a short series from a proof", async () => {
    const scratch = new Scratch();
    const path = csv(
      scratch,
      "a.csv",
      Array.from({ length: 60 }, (_, at) => [at, 5e8, 1e9]),
    );
    const { code, stdout } = await runTool(["forecast", path, "-q"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/None of these series is half an hour long/);
  });

  it.each([
    ["text", [["a", "b", "c"]], /a\.csv/],
    [
      "a negative usage",
      [
        [0, 5, 10],
        [1, -5, 10],
        [2, 5, 10],
      ],
      /a\.csv.*line 3/s,
    ],
    ["nothing", [], /a\.csv/],
    ["times that go back", Array.from({ length: 40 }, (_, at) => [100 - at, 5, 10]), /a\.csv/],
  ])("refuses %s with the file and a remedy", async (_, rows, place) => {
    const scratch = new Scratch();
    const { code, stderr, stdout } = await runTool(["forecast", csv(scratch, "a.csv", rows), "-q"]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(place);
    expect(stderr).not.toContain("unexpected");
  });

  it.each([
    [["--limit", "1GiB", "--limit-sweep"], /exclude each other/],
    [["--limit", "0"], /leaves no memory/],
    [["--model", "arima"], /arima/],
    [["--compare", "adaptive,arima"], /no model/],
    [["--zram", "0.5"], /ratio of compression/],
    [["--evictable", "120%"], /share of memory/],
    [["--column", "used"], /names no column/],
    [["--optimise"], /needs limits/],
    [["--thresholds", "90,80,70,60"], /rising/],
    [["--ahead", "5s"], /cannot look 5 s ahead/],
    [["--export-json", "/nowhere/at/all.json"], /nowhere/],
  ])("refuses %j", async (args, words) => {
    const { code, stderr } = await runTool(["forecast", LEAK, "-q", ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain("unexpected");
  });

  it("does not survive a file that is not there, a pipe that closes does it no harm", async () => {
    const { code, stderr } = await runTool(["forecast", "/nowhere.csv"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\.csv/);
    const piped = await runTool(
      ["-c", `node ${join(root, "bin", "rustydb-mem.js")} forecast ${LEAK} -q | head -1`],
      {
        command: ["bash"],
      },
    );
    expect(piped.code).toBe(0);
    expect(piped.stderr).toBe("");
  });
});
