import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resultFileSchema } from "../../src/measure/measurement.js";
import { runTool, Scratch } from "./tool.js";

const MIB = 2 ** 20;
const QUICK = ["-r", "1", "--no-verify", "--no-latency", "--quiet"];

/** A leak of a megabyte every three seconds for five minutes, and as much in the air that is freed at once. */
function writeLeak(path: string, more: { times?: boolean; total?: number } = {}): void {
  const { times = true, total } = more;
  const rows = ["time_ns,thread,event,id,size,used,total"];
  const at = (second: number): string => (times ? String(Math.round(second * 1e9)) : "");
  for (let step = 0; step < 300; step += 1) {
    const [kept, freed] = [2 * step + 1, 2 * step + 2];
    rows.push(`${at(step)},0,alloc,${kept},${Math.round(MIB / 3)},,`);
    rows.push(`${at(step + 0.2)},0,alloc,${freed},${2 * MIB},,`);
    rows.push(`${at(step + 0.4)},0,free,${freed},,,`);
    if (total !== undefined) rows.push(`${at(step + 0.5)},0,sample,,,1000,${total}`);
  }
  writeFileSync(path, `${rows.join("\n")}\n`);
}

async function replayJson(args: readonly string[], scratch: Scratch) {
  const { code, stdout, stderr } = await runTool(["replay", ...args, ...QUICK, "--json"], { scratch });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return resultFileSchema.parse(JSON.parse(stdout));
}

describe("replay --forecast", () => {
  it("says when each allocator would have been warned and run out, and what giving back changes", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("leak.csv");
    writeLeak(trace);
    const words = [trace, "-a", "rustydb,malloc", "--forecast", "--limit", "64MiB", "--purge"];
    const file = await replayJson(words, scratch);
    expect(file.options.forecast).toEqual({ limitBytes: 64 * MIB, purge: true });
    for (const { forecast } of file.results) {
      // 64 MiB at a third of a MiB a second, and two in the air or kept.
      expect(forecast?.outS).toBeGreaterThan(150);
      expect(forecast?.outS).toBeLessThanOrEqual(195);
      expect(forecast?.spanS).toBeCloseTo(299.4);
      expect(forecast?.entries.map(({ level }) => level).slice(0, 3)).toEqual([
        "warning",
        "high",
        "critical",
      ]);
      expect(forecast?.entries.every(({ atS }) => atS <= (forecast.outS ?? 0))).toBe(true);
      const { relieved } = forecast ?? {};
      expect(relieved?.by).not.toBeNull();
      expect(relieved?.reliefs.length).toBeGreaterThan(0);
      expect(relieved?.outS ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(forecast?.outS ?? 0);
    }
    // Every look at a time is beside what weighs memory.
    expect(file.results[0]?.memory?.timeline.length).toBeLessThanOrEqual(1204);
    const { code, stdout } = await runTool(["replay", ...words, ...QUICK], { scratch });
    expect(code).toBe(0);
    expect(stdout).toContain("Under 64.0 MiB all run out of memory");
    expect(stdout).toContain("malloc_trim");
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("takes the limit of the trace's own samples, and none from the air", async () => {
    const scratch = new Scratch();
    writeLeak(scratch.file("told.csv"), { total: 80 * MIB });
    const told = await replayJson([scratch.file("told.csv"), "-a", "malloc", "--forecast"], scratch);
    expect(told.results[0]?.forecast).toMatchObject({ limitBytes: 80 * MIB, limitFrom: "trace" });
    writeLeak(scratch.file("untold.csv"));
    const untold = await replayJson([scratch.file("untold.csv"), "-a", "malloc", "--forecast"], scratch);
    expect(untold.results[0]?.forecast).toMatchObject({ limitBytes: null, limitFrom: null, entries: [] });
    expect(untold.results[0]?.forecast?.skill).toHaveLength(3);
  });

  it("refuses what cannot be, and says what to do", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("timeless.csv");
    writeLeak(trace, { times: false });
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runTool(["replay", trace, "-a", "malloc", ...QUICK, ...args], {
        scratch,
      });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      return stderr;
    };
    expect(await refused("--forecast")).toMatch(/timeless\.csv.*has no times[\s\S]*Leave --forecast out/);
    expect(await refused("--limit", "1GiB")).toMatch(/--limit belongs to a forecast[\s\S]*Add --forecast/);
    expect(await refused("--purge")).toMatch(/--purge belongs to a forecast/);
    expect(await refused("--forecast", "--no-memory")).toMatch(/Leave --no-memory out/);
    expect(await refused("--forecast", "--limit", "lots")).toMatch(
      /It takes an amount of memory such as 8GiB/,
    );
    writeLeak(trace);
    expect(await refused("--forecast", "--purge")).toMatch(/--purge needs a limit[\s\S]*--limit 8GiB/);
  });
});
