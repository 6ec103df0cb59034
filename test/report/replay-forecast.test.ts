import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import type { ForecastPlan } from "../../src/measure/forecast.js";
import type { ResultFile } from "../../src/measure/measurement.js";
import { csvReport } from "../../src/report/csv.js";
import { markdownReport } from "../../src/report/markdown.js";
import { terminalReport } from "../../src/report/terminal.js";
import { measuredTrace, resultFile, steadyWorld } from "../measure/sample.js";

const MIB = 2 ** 20;
const leak = (second: number): number => 20 * MIB + (second * 80 * MIB) / 600;

async function forecast(more: Partial<ForecastPlan> = {}, seconds = 601, ratio = 1): Promise<ResultFile> {
  const world = {
    ...steadyWorld,
    timedBytes: ({ name }: { name: string }, relieved: boolean) =>
      Array.from(
        { length: seconds },
        (_, second) => leak(second) * (name === "malloc" ? 1.3 : ratio) * (relieved ? 0.7 : 1),
      ),
  };
  const plan: ForecastPlan = {
    ...{ model: "adaptive", limitBytes: 100 * MIB, limitFrom: "option", spanS: seconds - 1, purge: false },
    ...more,
  };
  return resultFile([await measuredTrace("a", world, { forecast: plan })]);
}

const style = { chalk: new Chalk({ level: 0 }), width: 120, sort: "given" as const, unit: undefined };
const terminal = (file: ResultFile, verbose = false): string => terminalReport(file, { ...style, verbose });
const prose = (text: string): string => text.replaceAll(/\s+/g, " ");

describe("the early warning in a report", () => {
  it("says who runs out first, and how long before it was known", async () => {
    const text = prose(terminal(await forecast()));
    expect(text).toMatch(
      /Under 100 MiB all run out of memory, first malloc after 7m \d+s, last (rustydb|jemalloc) after 10m 0s; the critical level stood 30 s before for 3 of 3\./,
    );
    expect(text).toContain(
      "allocator highest warned high critical emergency runs out ahead skill 30/60/120 s",
    );
    expect(text).toMatch(/rustydb 100 MiB /);
    expect(text).toContain("may run out later than this");
    expect(text).not.toContain("giving memory back");
  });

  it("counts who does, where some do not, and says of none how near it came", async () => {
    expect(prose(terminal(await forecast({}, 601, 0.5)))).toContain(
      "1 of 3 run out of memory, first malloc after",
    );
    expect(prose(terminal(await forecast({ limitBytes: 400 * MIB })))).toContain(
      "Under 400 MiB none runs out of memory; the most that one takes is 33 % of it.",
    );
  });

  it("shows what giving memory back did, and who cannot", async () => {
    const text = prose(terminal(await forecast({ purge: true })));
    expect(text).toContain("allocator by times given back highest runs out later by");
    expect(text).toContain("rustydb purge 1 1000 B 100 MiB → 70.0 MiB never prevented");
    expect(text).toContain("jemalloc cannot purge – – ");
  });

  it("draws each allocator where asked for more", async () => {
    const text = terminal(await forecast(), true);
    expect(text).toMatch(/┤.*┄.*▁/);
    expect(text).toContain("✗");
    expect(prose(text)).toMatch(/critical at \d+m [\d.]+s, [\d.]+ MiB: (usage|chance)/);
  });

  it("says that without a limit there are no levels, and that some seconds are too few", async () => {
    const none = prose(terminal(await forecast({ limitBytes: null, limitFrom: null })));
    expect(none).toContain("there are forecasts, but no levels. --limit gives one.");
    expect(none).toContain("allocator highest skill 30/60/120 s");
    const short = prose(terminal(await forecast({}, 5)));
    expect(short).toContain("The trace is 4.00 s long, too short for any forecast");
    expect(prose(terminal(await forecast({}, 100)))).toContain(
      "forecasts beyond that could not be compared with anything",
    );
    expect(prose(terminal(await forecast({ limitFrom: "trace" })))).toContain(
      "Under 100 MiB (as the samples of the trace tell)",
    );
  });

  it("is in Markdown and CSV, too, and in neither where nobody asked", async () => {
    const file = await forecast({ purge: true });
    const markdown = markdownReport(file, { sort: "given", unit: undefined });
    expect(markdown).toContain("### Early warning over the time of the trace");
    expect(markdown).toMatch(/\| rustydb \| 100 MiB \|/);
    const [titles = "", rustydb = ""] = csvReport(file).split("\n");
    const cell = (title: string): string => rustydb.split(",")[titles.split(",").indexOf(title)] as string;
    expect(cell("forecast_limit_bytes")).toBe(String(100 * MIB));
    expect(cell("forecast_out_s")).toBe("600");
    expect(Number(cell("forecast_critical_s"))).toBeGreaterThan(300);
    expect(cell("forecast_purged_out_s")).toBe("");
    const without = resultFile([await measuredTrace("a")]);
    expect(terminal(without)).not.toMatch(/[Ee]arly warning/);
    expect(markdownReport(without, { sort: "given", unit: undefined })).not.toContain("Early warning");
  });
});
