import type { ResultFile, TraceResult } from "../measure/measurement.js";
import { formatRatio, type TimeUnit } from "../units.js";
import { answerOf, describeTrace, isMeanDifference, overallAnswer } from "./answer.js";
import { benchAnswer, changeTables, claimNotes, claimTable, figureTable, suiteTables } from "./bench.js";
import { formatInterval, tableColumns } from "./cells.js";
import { describeHost, librariesOf, reproduceLine } from "./details.js";
import { escaped, firstThatFits, SHORTENED, table, WARNINGS_SHOWN } from "./markdown-table.js";
import { forecastAnswer, forecastNotes, forecastsOf, forecastTables } from "./replay-forecast.js";
import { reportRows, type Sort } from "./rows.js";

export interface MarkdownOptions {
  readonly sort: Sort;
  readonly unit: TimeUnit | undefined;
}

/** Folded until somebody clicks; Markdown inside needs the empty lines. */
function folded(title: string, parts: readonly string[]): string {
  const safe = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return ["<details>", `<summary>${safe}</summary>`, "", parts.join("\n\n"), "", "</details>"].join("\n");
}

/** What a reviewer looks at first: time, memory, whether every block was right. */
const COMPACT = /^(allocator|time \/|peak memory|\/ |verified)/;

function rowsTable(file: ResultFile, trace: TraceResult, options: MarkdownOptions, compact: boolean): string {
  const columns = tableColumns(file, options.unit).filter(({ title }) => !compact || COMPACT.test(title));
  const rows = reportRows(file, trace, options.sort);
  return table(
    columns.map((column) => column.title),
    columns.map((column) => column.align),
    rows.map((row) => columns.map((column) => column.cell(row).text)),
  );
}

function traceSection(
  file: ResultFile,
  trace: TraceResult,
  options: MarkdownOptions,
  withDetails: boolean,
): string[] {
  return [
    `## ${escaped(trace.name)}`,
    escaped(answerOf(file, trace)),
    rowsTable(file, trace, options, true),
    ...(withDetails
      ? [
          folded(`All figures of ${trace.name}`, [
            rowsTable(file, trace, options, false),
            `${describeTrace(trace)}; SHA-256 \`${trace.sha256}\`.`,
            ...forecastSection(file, trace),
          ]),
        ]
      : []),
  ];
}

function forecastSection(file: ResultFile, trace: TraceResult): string[] {
  const forecasts = forecastsOf(file, trace);
  if (forecasts.length === 0) return [];
  return [
    escaped(forecastAnswer(forecasts)),
    ...forecastTables(forecasts).flatMap(({ title, columns, align, rows, about }) => [
      `### ${escaped(title)}`,
      table(columns, align, rows),
      escaped(about),
    ]),
    forecastNotes(forecasts)
      .map((note) => `- ${escaped(note)}`)
      .join("\n"),
  ];
}

function meanSection(file: ResultFile): string[] {
  const means = file.geometricMeans.filter((mean) => mean.metric === "warm" && mean.net);
  if (means.length === 0) return [];
  const rows = means.map((mean) => [
    mean.allocator,
    formatInterval(mean.ratio, isMeanDifference(file, mean)),
  ]);
  return [
    `**${escaped(overallAnswer(file))}**`,
    table(["allocator", `time / ${file.options.baseline}`], ["left", "right"], rows),
  ];
}

/** A line a trace and allocator, of as many traces as asked. */
function overview(file: ResultFile, traces: readonly TraceResult[]): string {
  const rows = traces.flatMap((trace) =>
    reportRows(file, trace, "given")
      .filter(({ result }) => result.route !== "none")
      .map(({ result, warm, peak, isBaseline }) => [
        ...[trace.name, result.allocator],
        isBaseline ? "1×" : warm === undefined ? "–" : formatInterval(warm.ratio, warm.different),
        isBaseline ? "1×" : peak === undefined ? "–" : formatRatio(peak),
        result.failure?.code ?? "",
      ]),
  );
  const { baseline } = file.options;
  return table(
    ["trace", "allocator", `time / ${baseline}`, `peak / ${baseline}`, "failure"],
    ["left", "left", "right", "right", "left"],
    rows,
  );
}

function notes(file: ResultFile, shortened: boolean): string[] {
  const warnings = [...file.warnings, ...(file.bench?.compared?.warnings ?? [])];
  const shown = shortened ? warnings.slice(0, WARNINGS_SHOWN) : warnings;
  const lines = shown.map((warning) => `- ⚠ ${escaped(warning)}`);
  if (shown.length < warnings.length) lines.push(`- ⚠ and ${warnings.length - shown.length} more warnings`);
  const made = [
    ...librariesOf(file).map((library) => `- Library: ${escaped(library)}`),
    `- Machine: ${escaped(describeHost(file.host))}`,
    `- Again: \`${reproduceLine(file)}\``,
  ].join("\n");
  return [...(lines.length > 0 ? [lines.join("\n")] : []), folded("How this was measured", [made])];
}

/** The suites of a benchmark as tables; claims with how they were measured. */
function benchSections(file: ResultFile): string[] {
  const answer = benchAnswer(file);
  const tables = [
    ...suiteTables(file, Number.POSITIVE_INFINITY),
    ...changeTables(file, Number.POSITIVE_INFINITY),
    figureTable(file),
    claimTable(file),
  ];
  const claims = claimNotes(file);
  return [
    ...(answer === "" ? [] : [`**${escaped(answer)}**`]),
    ...tables
      .filter((each) => each !== undefined)
      .flatMap(({ title, columns, rows }) => [
        `## ${escaped(title)}`,
        table(
          columns,
          columns.map((_, index) => (index === 0 ? "left" : "right")),
          rows.map((cells) => cells.map(({ text }) => text)),
        ),
      ]),
    ...(claims.length === 0
      ? []
      : [folded("How each claim was measured", [claims.map((claim) => `- ${escaped(claim)}`).join("\n")])]),
  ];
}

type Length =
  | { readonly kind: "whole" | "folded-out" }
  | { readonly kind: "overview"; readonly traces: number };

function written(file: ResultFile, options: MarkdownOptions, length: Length): string {
  const sections = file.partial ? ["**Partial: this is what was finished before it was stopped.**"] : [];
  sections.push(...meanSection(file));
  if (file.bench !== undefined) {
    sections.push(...benchSections(file));
  } else if (length.kind === "overview") {
    const traces = file.traces.slice(0, length.traces);
    sections.push(overview(file, traces));
    if (traces.length < file.traces.length) {
      sections.push(`… and ${file.traces.length - traces.length} more traces.`);
    }
  } else {
    for (const trace of file.traces) {
      sections.push(...traceSection(file, trace, options, length.kind === "whole"));
    }
  }
  if (length.kind !== "whole") {
    sections.push(SHORTENED);
  }
  sections.push(...notes(file, length.kind !== "whole"));
  return `${sections.join("\n\n")}\n`;
}

/** More never fit: a trace has two lines at least of some 50 characters, and a section of its own four times as many. */
const MOST_TRACES = 640;

/** For a pull request or a page: the answer first, details folded, shortened where GitHub would refuse it. */
export function markdownReport(file: ResultFile, options: MarkdownOptions): string {
  const lengths: Length[] =
    file.traces.length > MOST_TRACES / 4 ? [] : [{ kind: "whole" }, { kind: "folded-out" }];
  for (let traces = Math.min(file.traces.length, MOST_TRACES); traces > 0; traces = Math.floor(traces / 2)) {
    lengths.push({ kind: "overview", traces });
  }
  function* texts(): Generator<string> {
    for (const length of lengths) yield written(file, options, length);
  }
  return firstThatFits(texts());
}
