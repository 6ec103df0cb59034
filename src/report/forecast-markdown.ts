import type { ForecastResult } from "../pressure/forecast-result.js";
import { LEAST_POOLED_S } from "../pressure/scorecard.js";
import { formatBytes, formatDuration } from "../units.js";
import { forecastAnswer, forecastTables } from "./forecast.js";
import { escaped, table } from "./markdown-table.js";

/** For a pull request or a page. */
export function forecastMarkdown(result: ForecastResult): string {
  const { series } = result.scorecard;
  const sections = ["# Backtest of the early warning", escaped(forecastAnswer(result))];
  for (const { title, about, columns, rows } of forecastTables(result)) {
    const align = columns.map((_, index) => (index === 0 ? ("left" as const) : ("right" as const)));
    sections.push(`## ${title}`, table(columns, align, rows), escaped(about));
  }
  sections.push(
    "## The series",
    table(
      ["series", "origin", "samples", "length", "step", "peak", "pooled"],
      ["left", "left", "right", "right", "right", "right", "left"],
      series.map((each) => [
        each.name,
        each.origin,
        `${each.samples}`,
        formatDuration(each.spanS * 1e9),
        formatDuration(each.stepS * 1e9),
        formatBytes(each.peakBytes),
        each.spanS < LEAST_POOLED_S ? "too short" : "yes",
      ]),
    ),
  );
  if (result.warnings.length > 0)
    sections.push(result.warnings.map((each) => `- ${escaped(each)}`).join("\n"));
  sections.push(
    `\`rustydb-mem ${result.command.join(" ")}\`, ${result.date.slice(0, 10)}, version ${result.tool.version}.`,
  );
  return `${sections.join("\n\n")}\n`;
}
