import type { ChalkInstance } from "chalk";
import type { ResultFile, TraceResult } from "../measure/measurement.js";
import { formatBytes, formatPercent, formatRatio, type TimeUnit } from "../units.js";
import { answerOf, describeTrace, isMeanDifference, overallAnswer } from "./answer.js";
import {
  type BenchTable,
  benchAnswer,
  changeTables,
  claimCommands,
  claimNotes,
  claimTable,
  figureTable,
  suiteTables,
} from "./bench.js";
import { type Cell, formatInterval, type Tone, tableColumns, toned } from "./cells.js";
import { describeHost, librariesOf, reproduceLine } from "./details.js";
import {
  forecastAnswer,
  forecastDetails,
  forecastNotes,
  forecastsOf,
  forecastTables,
} from "./replay-forecast.js";
import { type ReportRow, reportRows, type Sort } from "./rows.js";
import { section } from "./section.js";
import { wrap } from "./wrap.js";

export interface TerminalOptions {
  readonly chalk: ChalkInstance;
  /** Columns of the terminal; prose is wrapped to it. */
  readonly width: number;
  readonly sort: Sort;
  readonly unit: TimeUnit | undefined;
  readonly verbose: boolean;
}

interface TableColumn {
  readonly title: string;
  readonly align: "left" | "right";
}

function table(
  chalk: ChalkInstance,
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((cells) => cells[index]?.text.length ?? 0)),
  );
  const pad = (text: string, index: number): string =>
    columns[index]?.align === "right" ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
  const heading = chalk.bold(
    columns
      .map((column, index) => pad(column.title, index))
      .join("  ")
      .trimEnd(),
  );
  const rule = chalk.dim("─".repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
  const body = rows.map((cells) =>
    cells
      .map((cell, index) => toned(chalk, cell.tone, pad(cell.text, index)))
      .join("  ")
      .trimEnd(),
  );
  return [heading, rule, ...body].join("\n");
}

function verboseLines(row: ReportRow): string[] {
  const { result } = row;
  const lines = [
    `  ${result.allocator}: ${result.rounds.filter((round) => round.valid).length} valid rounds`,
  ];
  const { memory } = result;
  if (memory !== undefined) {
    lines.push(
      `    memory: ${formatBytes(memory.integratedBytes)} on average, ${formatBytes(memory.endBytes)} at the end, ` +
        `${memory.minorFaults} page faults` +
        (memory.hugePageBytes === undefined ? "" : `, ${formatBytes(memory.hugePageBytes)} in huge pages`),
    );
  }
  const stats = Object.entries(result.stats).map(([name, value]) => `${name} ${value}`);
  if (stats.length > 0) lines.push(`    counted: ${stats.join(", ")}`);
  return lines;
}

/** Nothing where nobody asked to look ahead. */
function forecastSection(file: ResultFile, trace: TraceResult, options: TerminalOptions): string[] {
  const { chalk, width, verbose } = options;
  const forecasts = forecastsOf(file, trace);
  if (forecasts.length === 0) return [];
  const dim = (text: string): string => chalk.dim(`  ${wrap(text, width, "  ")}`);
  const parts = [chalk.bold(wrap(forecastAnswer(forecasts), width))];
  for (const { title, columns, align, rows, about } of forecastTables(forecasts)) {
    parts.push(`${section(title, [columns, ...rows], align, options)}\n${dim(about)}`);
  }
  parts.push(forecastNotes(forecasts).map(dim).join("\n"));
  if (verbose) parts.push(...forecasts.map((each) => forecastDetails(each, width).join("\n")));
  return ["", parts.join("\n\n")];
}

/** The answer on a line of its own in front; under a heading where there are several traces. */
function traceSection(file: ResultFile, trace: TraceResult, options: TerminalOptions): string {
  const { chalk, width, sort, unit, verbose } = options;
  const columns = tableColumns(file, unit);
  const rows = reportRows(file, trace, sort);
  const answer = wrap(answerOf(file, trace), width);
  const about = `${describeTrace(trace)}; ${formatBytes(trace.peakLiveBytes)} alive at the peak`;
  const heading =
    file.traces.length > 1
      ? [`${chalk.bold(trace.name)} ${chalk.dim(`(${about})`)}`, answer]
      : [chalk.bold(answer), chalk.dim(`${trace.name}: ${about}`)];
  const parts = [
    ...heading,
    "",
    table(
      chalk,
      columns,
      rows.map((row) => columns.map((column) => column.cell(row))),
    ),
  ];
  if (verbose) parts.push("", ...rows.flatMap(verboseLines));
  parts.push(...forecastSection(file, trace, options));
  return parts.join("\n");
}

function meanSection(file: ResultFile, options: TerminalOptions): string {
  const { chalk, width } = options;
  const columns: TableColumn[] = [
    { title: "allocator", align: "left" },
    { title: `time / ${file.options.baseline}`, align: "right" },
    { title: "cold", align: "right" },
    { title: "peak memory", align: "right" },
  ];
  const warm = file.geometricMeans
    .filter((mean) => mean.metric === "warm" && mean.net)
    .sort((a, b) => a.ratio.median - b.ratio.median);
  const other = (allocator: string, metric: "cold" | "peak"): Cell => {
    const mean = file.geometricMeans.find(
      (each) => each.allocator === allocator && each.metric === metric && each.net,
    );
    return { text: mean === undefined ? "–" : formatRatio(mean.ratio.median), tone: "neutral" };
  };
  const rows = warm.map((mean): Cell[] => {
    const different = isMeanDifference(file, mean);
    const tone: Tone = !different ? "neutral" : mean.ratio.median < 1 ? "better" : "worse";
    return [
      { text: mean.allocator, tone: "neutral" },
      { text: formatInterval(mean.ratio, different), tone },
      other(mean.allocator, "cold"),
      other(mean.allocator, "peak"),
    ];
  });
  return [chalk.bold(wrap(overallAnswer(file), width)), "", table(chalk, columns, rows)].join("\n");
}

/** The suites of a benchmark, a table each; every trace in detail only where asked for. */
function benchSections(file: ResultFile, options: TerminalOptions): string[] {
  const { chalk, width, verbose } = options;
  const shown = ({ title, columns, rows }: BenchTable): string => {
    const aligned = columns.map((column, index): TableColumn => {
      const figures = rows.every((cells) => /^([\d~–]|failed|$)/.test(cells[index]?.text ?? ""));
      return { title: column, align: index > 0 && figures ? "right" : "left" };
    });
    return `${chalk.bold(title)}\n${table(chalk, aligned, rows)}`;
  };
  const tables = [
    ...suiteTables(file, width),
    ...changeTables(file, width),
    figureTable(file),
    claimTable(file),
  ];
  const notes = (verbose ? claimNotes(file) : claimCommands(file)).map((note) =>
    chalk.dim(wrap(note, width, "  ")),
  );
  return [
    chalk.bold(wrap(benchAnswer(file), width)),
    ...tables.filter((each) => each !== undefined).map(shown),
    ...(notes.length === 0 ? [] : [notes.join("\n")]),
    ...(verbose ? file.traces.map((trace) => traceSection(file, trace, options)) : []),
  ].filter((section) => section !== "");
}

/** The report that stays in the scrollback: the answer, the figures, what weakens them, how to get them again. */
export function terminalReport(file: ResultFile, options: TerminalOptions): string {
  const { chalk, width } = options;
  const sections =
    file.bench === undefined
      ? file.traces.map((trace) => traceSection(file, trace, options))
      : benchSections(file, options);
  if (file.geometricMeans.length > 0) sections.unshift(meanSection(file, options));
  if (file.partial)
    sections.unshift(chalk.yellow("Partial: this is what was finished before it was stopped."));
  const legend =
    "time: warm passes without the loop's own cost (net), median of the ratios of rounds with its 95 % interval; " +
    "~ is no difference that could be told. cold: first pass over fresh memory.";
  if (file.results.length > 0) sections.push(chalk.dim(wrap(legend, width)));
  const floors = Object.entries(file.harness.noiseFloor ?? {});
  const notes = [
    ...floors.map(([trace, floor]) =>
      floor === null
        ? `Noise floor on ${trace}: without a bound, so no difference is called one (${file.options.baseline} against itself).`
        : `Noise floor on ${trace}: ${formatPercent(floor)} (${file.options.baseline} against itself).`,
    ),
    ...file.warnings,
    ...(file.bench?.compared?.warnings ?? []),
  ];
  if (notes.length > 0) {
    sections.push(notes.map((note) => `${chalk.yellow("!")} ${wrap(note, width, "  ")}`).join("\n"));
  }
  const libraries = librariesOf(file);
  sections.push(
    [
      ...(libraries.length === 0 ? [] : [wrap(`Libraries: ${libraries.join("; ")}`, width, "  ")]),
      wrap(`Machine: ${describeHost(file.host)}`, width, "  "),
      `Again: ${reproduceLine(file)}`,
    ].join("\n"),
  );
  return `${sections.join("\n\n")}\n`;
}
