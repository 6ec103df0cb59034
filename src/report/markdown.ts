import type { ResultFile, TraceResult } from "../measure/measurement.js";
import type { TimeUnit } from "../units.js";
import { answerOf, describeTrace, isMeanDifference, overallAnswer } from "./answer.js";
import { formatInterval, tableColumns } from "./cells.js";
import { describeHost, librariesOf, reproduceLine } from "./details.js";
import { escaped, table } from "./markdown-table.js";
import { reportRows, type Sort } from "./rows.js";

export interface MarkdownOptions {
  readonly sort: Sort;
  readonly unit: TimeUnit | undefined;
}

function traceSection(file: ResultFile, trace: TraceResult, options: MarkdownOptions): string {
  const columns = tableColumns(file, options.unit);
  const rows = reportRows(file, trace, options.sort).map((row) =>
    columns.map((column) => column.cell(row).text),
  );
  return [
    `## ${escaped(trace.name)}`,
    escaped(answerOf(file, trace)),
    table(
      columns.map((column) => column.title),
      columns.map((column) => column.align),
      rows,
    ),
    `${describeTrace(trace)}; SHA-256 \`${trace.sha256}\`.`,
  ].join("\n\n");
}

/** For a pull request or a page. */
export function markdownReport(file: ResultFile, options: MarkdownOptions): string {
  const sections = [
    ...(file.partial ? ["**Partial: this is what was finished before it was stopped.**"] : []),
  ];
  sections.push(...file.traces.map((trace) => traceSection(file, trace, options)));
  const means = file.geometricMeans.filter((mean) => mean.metric === "warm" && mean.net);
  if (means.length > 0) {
    const rows = means.map((mean) => [
      mean.allocator,
      formatInterval(mean.ratio, isMeanDifference(file, mean)),
    ]);
    sections.push(
      `## All ${file.traces.length} traces`,
      escaped(overallAnswer(file)),
      table(["allocator", `time / ${file.options.baseline}`], ["left", "right"], rows),
    );
  }
  if (file.warnings.length > 0)
    sections.push(file.warnings.map((warning) => `- ⚠ ${escaped(warning)}`).join("\n"));
  sections.push(
    [
      `- Libraries: ${librariesOf(file).map(escaped).join("; ")}`,
      `- Machine: ${escaped(describeHost(file.host))}`,
      `- Again: \`${reproduceLine(file)}\``,
    ].join("\n"),
  );
  return `${sections.join("\n\n")}\n`;
}
