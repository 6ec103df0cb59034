import type { ChalkInstance } from "chalk";
import type { SeriesBacktest } from "../pressure/backtest.js";
import type { ForecastResult } from "../pressure/forecast-result.js";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../units.js";
import { explainAlarms, forecastAnswer, forecastTables, type ReportTable } from "./forecast.js";
import { section } from "./section.js";
import { seriesChart } from "./series-chart.js";
import { wrap } from "./wrap.js";

export interface ForecastStyle {
  readonly chalk: ChalkInstance;
  /** Columns of the terminal. */
  readonly width: number;
  readonly explain: boolean;
  readonly verbose: boolean;
}

/** So many series are drawn without being asked for. */
const CHARTS_SHOWN = 3;

function table({ title, about, columns, rows }: ReportTable, style: ForecastStyle): string {
  const { chalk, width } = style;
  const align = columns.map((_, index) => (index === 0 ? ("left" as const) : ("right" as const)));
  return [section(title, [columns, ...rows], align, style), chalk.dim(`  ${wrap(about, width, "  ")}`)].join(
    "\n",
  );
}

function describe(series: SeriesBacktest, style: ForecastStyle): string {
  const { chalk, width, verbose } = style;
  const limit = series.limits.length === 1 ? series.limits[0] : undefined;
  const limitBytes = limit === undefined ? null : (limit.limitBytes ?? series.totalBytes);
  const facts = [
    `${formatCount(series.samples)} samples over ${formatDuration(series.spanS * 1e9)}, one every ${formatDuration(series.stepS * 1e9)}`,
    `peak ${formatBytes(series.peakBytes)}`,
    ...(limitBytes === null ? [] : [`limit ${formatBytes(limitBytes)}`]),
    `moves by ${formatPercent(series.meanMoveShare)} in a minute`,
    ...(series.gaps > 0 ? [`gaps: ${series.gaps}`] : []),
    ...(limit?.outS == null ? [] : [`runs out after ${formatDuration(limit.outS * 1e9)}`]),
  ];
  const lines = [
    wrap(`${chalk.bold(series.name)}: ${facts.join(", ")}`, width, "  "),
    ...seriesChart(series.chart, limitBytes, limit?.outS ?? null, width),
  ];
  if (verbose) {
    for (const { model, horizons } of series.models) {
      const errors = horizons.map(({ horizonS, error, persistenceError, samples }) =>
        samples === 0 || persistenceError === 0
          ? `${horizonS} s –`
          : `${horizonS} s ${(error / persistenceError).toFixed(2)}`,
      );
      lines.push(`  ${model}, error over that of no change: ${errors.join(", ")}`);
    }
    lines.push(...series.notes.map((note) => `  ${chalk.dim(wrap(note, width, "  "))}`));
  }
  return lines.join("\n");
}

/** The answer, the series, the tables, what weakens them. */
export function forecastReport(result: ForecastResult, style: ForecastStyle): string {
  const { chalk, width } = style;
  const { series, short } = result.scorecard;
  const drawn = style.verbose || style.explain ? series : series.slice(0, CHARTS_SHOWN);
  const left = series.length - drawn.length;
  const sections = [
    chalk.bold(wrap(forecastAnswer(result), width)),
    ...drawn.map((each) => describe(each, style)),
    ...(left > 0 ? [chalk.dim(`${formatCount(left)} more series; --verbose shows them all.`)] : []),
    ...forecastTables(result).map((each) => table(each, style)),
  ];
  if (style.explain) sections.push(...series.map((each) => explainAlarms(each).join("\n")).filter(Boolean));
  const notes = [...result.warnings];
  if (short.length > 0 && short.length < series.length) {
    const names =
      short.length > 4 ? `${short.slice(0, 4).join(", ")} and ${short.length - 4} more` : short.join(", ");
    notes.push(`Shorter than half an hour, so not in the tables: ${names}.`);
  }
  if (notes.length > 0)
    sections.push(notes.map((note) => `${chalk.yellow("!")} ${wrap(note, width, "  ")}`).join("\n"));
  sections.push(`Again: rustydb-mem ${result.command.join(" ")}`);
  return `${sections.join("\n\n")}\n`;
}
