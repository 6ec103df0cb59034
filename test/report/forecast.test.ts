import { Chalk } from "chalk";
import { beforeAll, describe, expect, it } from "vitest";
import { backtestSeries } from "../../src/pressure/backtest.js";
import type { ForecastResult } from "../../src/pressure/forecast-result.js";
import { scorecard } from "../../src/pressure/scorecard.js";
import { explainAlarms, forecastAnswer } from "../../src/report/forecast.js";
import { forecastMarkdown } from "../../src/report/forecast-markdown.js";
import { forecastReport } from "../../src/report/forecast-terminal.js";
import { seriesChart } from "../../src/report/series-chart.js";
import { MIB, madeSeries, REQUEST } from "../pressure/made-series.js";

let result: ForecastResult;

beforeAll(async () => {
  const series = [
    madeSeries("leak", 2400, (second) => (300 + second / 4) * MIB),
    madeSeries("brief", 300, () => 100 * MIB),
  ];
  const request = { ...REQUEST, limits: { kind: "bytes", bytes: 850 * MIB } } as const;
  result = {
    schemaVersion: 1,
    tool: { name: "rustydb-mem", version: "1.2.3" },
    date: "2026-01-31T00:00:00Z",
    command: ["forecast", "leak.csv", "--limit", "850MiB"],
    request,
    scorecard: scorecard(await Promise.all(series.map((each) => backtestSeries(each, request)))),
    optimised: null,
    warnings: ["something | odd"],
  };
});

const style = (more: Partial<Parameters<typeof forecastReport>[1]> = {}) => ({
  chalk: new Chalk({ level: 0 }),
  width: 100,
  explain: false,
  verbose: false,
  ...more,
});

describe("the report of a backtest", () => {
  it("leads with the answer", () => {
    const answer = forecastAnswer(result);
    expect(answer).toMatch(
      /^On 1 series \(0\.7 h\) the adaptive forecasts 60 s ahead are off by 0\.\d+× of what "no change"/,
    );
    expect(answer).toMatch(/Of 1 times that memory runs out it warns of 1 /);
    expect(forecastReport(result, style()).replace(/\s+/g, " ")).toContain(answer.slice(0, 80));
  });

  it("keeps to the width, and says what weakens it", () => {
    const text = forecastReport(result, style({ width: 90 }));
    const prose = text.split("\n").filter((line) => !/[┤└]|^ {2}(origin|made)/.test(line));
    for (const line of prose) expect(line.length).toBeLessThanOrEqual(90);
    expect(text).toContain("Shorter than half an hour, so not in the tables: brief.");
    expect(text).toContain("! something | odd");
    expect(text).toContain("Again: rustydb-mem forecast leak.csv --limit 850MiB");
  });

  it("explains each alarm", () => {
    const lines = explainAlarms(result.scorecard.series[0] as never);
    expect(lines[0]).toMatch(/^leak, limit 850 MiB, which is reached after 36m 40s:$/);
    expect(lines.slice(1).join("\n")).toMatch(/true, \d+m \d+s ahead|true, [\d.]+ s ahead/);
    expect(forecastReport(result, style({ explain: true }))).toContain(lines[1] as string);
  });

  it("is Markdown that does not break its tables", () => {
    const text = forecastMarkdown(result);
    expect(text).toMatch(/^# Backtest of the early warning\n/);
    expect(text).toContain("something \\| odd");
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    expect(rows.length).toBeGreaterThan(20);
    expect(text).toContain("| brief | made | 300 |");
    expect(text).toContain("too short");
  });
});

describe("seriesChart", () => {
  it("draws the limit, the highest of each column, and where it ran out", () => {
    const chart = { spanS: 100, lowBytes: [0, 0, 0, 0], highBytes: [10, 20, null, 80] };
    const lines = seriesChart(chart, 100, 100, 20);
    expect(lines).toHaveLength(7);
    expect(lines[0]).toContain("┄");
    expect(lines.at(-1)).toMatch(/✗ 100 s$/);
    // A reading that is missing is left empty.
    expect(lines[5]).toContain(" ");
    expect(seriesChart(chart, null, null, 20).join("")).not.toMatch(/[┄✗]/);
  });

  it("survives a series of nothing but zeros", () => {
    expect(seriesChart({ spanS: 0, lowBytes: [0], highBytes: [0] }, null, null, 40)).toHaveLength(7);
  });
});
