import type { ChalkInstance } from "chalk";
import type { Distribution } from "../native.js";
import { formatCount, formatPercent } from "../units.js";
import { wrap } from "./wrap.js";

export interface InspectionStyle {
  readonly chalk: ChalkInstance;
  /** Columns of the terminal. */
  readonly width: number;
}

export type Align = "left" | "right";
export type Row = readonly string[];

export const share = (part: number, whole: number): string =>
  whole === 0 ? "–" : formatPercent(part / whole);

export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** A title, and a table below it. */
export function section(
  title: string,
  rows: readonly Row[],
  align: readonly Align[],
  { chalk }: InspectionStyle,
): string {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    align[column] === "right" ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return [chalk.bold(title), ...rows.map((row) => `  ${row.map(pad).join("  ").trimEnd()}`)].join("\n");
}

export function indented(text: string, { width }: InspectionStyle): string {
  return `  ${wrap(text, width, "  ")}`;
}

export const QUANTILE_TITLES: Row = ["", "least", "median", "p90", "p99", "p99.9", "most"];
export const QUANTILE_ALIGN: readonly Align[] = ["left", ...Array<Align>(6).fill("right")];

/** A row under QUANTILE_TITLES. */
export function quantiles(title: string, values: Distribution, format: (value: number) => string): Row {
  const { min, p50, p90, p99, p999, max } = values;
  return [title, ...[min, p50, p90, p99, p999, max].map((value) => format(value))];
}
