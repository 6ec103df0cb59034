import type { ChalkInstance } from "chalk";
import type { SideBySide } from "../measure/measurement-change.js";
import { toned } from "./cells.js";
import { escaped, firstThatFits, SHORTENED, table, WARNINGS_SHOWN } from "./markdown-table.js";
import {
  SIDE_BY_SIDE_LEGEND,
  type SideBySideTable,
  sideBySideAnswers,
  sideBySideTables,
  tracesOf,
} from "./side-by-side-rows.js";
import { wrap } from "./wrap.js";

interface Style {
  readonly chalk: ChalkInstance;
  /** Columns of the terminal; prose is wrapped to it. */
  readonly width: number;
}

function tableText({ title, columns, rows }: SideBySideTable, { chalk }: Style): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.text.length ?? 0)),
  );
  const pad = (text: string, index: number): string =>
    index === 0 ? text.padEnd(widths[index] ?? 0) : text.padStart(widths[index] ?? 0);
  return [
    `  ${chalk.dim(title)}`,
    `  ${chalk.bold(columns.map(pad).join("  "))}`,
    ...rows.map((row) => {
      const cells = row.map(({ text, tone }, index) => toned(chalk, tone, pad(text, index)));
      return `  ${cells.join("  ").trimEnd()}`;
    }),
  ].join("\n");
}

/** `old: old.json of 2026-01-01, rustydb-mem 0.1.0 (reference)` */
function fileLines({ files, reference }: SideBySide): string[] {
  return files.map(
    ({ label, path, date, toolVersion }, index) =>
      `${label}: ${path} of ${date}, rustydb-mem ${toolVersion}${index === reference ? " (reference)" : ""}`,
  );
}

/** Several saved results on a terminal: what changed, the figures of each trace, what else differs. */
export function sideBySideReport(beside: SideBySide, style: Style): string {
  const { chalk, width } = style;
  const sections = sideBySideAnswers(beside).map((answer) => chalk.bold(wrap(answer, width)));
  for (const trace of tracesOf(beside)) {
    const tables = sideBySideTables(beside, trace).map((each) => tableText(each, style));
    sections.push([chalk.bold(trace), tables.join("\n\n")].join("\n"));
  }
  sections.push(chalk.dim(wrap(SIDE_BY_SIDE_LEGEND, width)));
  if (beside.warnings.length > 0) {
    sections.push(
      beside.warnings.map((each) => `${chalk.yellow("!")} ${wrap(each, width, "  ")}`).join("\n"),
    );
  }
  sections.push(
    fileLines(beside)
      .map((line) => wrap(line, width, "  "))
      .join("\n"),
  );
  return `${sections.join("\n\n")}\n`;
}

/** The same for a page, with the tables of so many traces. */
function markdownOf(beside: SideBySide, count: number): string {
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${escaped(line)}`).join("\n");
  const sections = sideBySideAnswers(beside).map(escaped);
  const traces = tracesOf(beside);
  for (const trace of traces.slice(0, count)) {
    sections.push(`## ${escaped(trace)}`);
    for (const { title, columns, rows } of sideBySideTables(beside, trace)) {
      const cells = rows.map((row) => row.map(({ text }) => text));
      const align = columns.map((_, index): "left" | "right" => (index === 0 ? "left" : "right"));
      sections.push(`**${escaped(title)}**`, table(columns, align, cells));
    }
  }
  const shortened = count < traces.length;
  if (shortened) sections.push(`… and ${traces.length - count} more traces.`, SHORTENED);
  sections.push(SIDE_BY_SIDE_LEGEND.replace("~", "\\~"));
  const warnings = beside.warnings.slice(0, shortened ? WARNINGS_SHOWN : undefined);
  const more = beside.warnings.length - warnings.length;
  if (more > 0) warnings.push(`and ${more} more warnings`);
  if (warnings.length > 0) sections.push(list(warnings.map((each) => `⚠ ${each}`)));
  sections.push(list(fileLines(beside)));
  return `${sections.join("\n\n")}\n`;
}

/** The same for a pull request or a page: fewer traces where GitHub would refuse it. */
export function sideBySideMarkdown(beside: SideBySide): string {
  function* texts(): Generator<string> {
    let count = tracesOf(beside).length;
    for (; count > 0; count = Math.floor(count / 2)) yield markdownOf(beside, count);
    yield markdownOf(beside, 0);
  }
  return firstThatFits(texts());
}
