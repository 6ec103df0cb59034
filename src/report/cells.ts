import type { ChalkInstance } from "chalk";
import type { Percentiles, ResultFile } from "../measure/measurement.js";
import { formatBytes, formatDuration, formatPercent, formatRatio, type TimeUnit } from "../units.js";
import type { JudgedRatio, ReportRow } from "./rows.js";

/** How a figure stands against the baseline, for whoever has colours. */
export type Tone = "better" | "worse" | "neutral" | "failed";

export function toned(chalk: ChalkInstance, tone: Tone, text: string): string {
  switch (tone) {
    case "better":
      return chalk.green(text);
    case "worse":
      return chalk.yellow(text);
    case "failed":
      return chalk.red(text);
    case "neutral":
      return text;
  }
}

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: ReportRow) => Cell;
}

/** Of a ratio: above or below 1, where that may be called a difference. */
export const toneOf = (ratio: number, different: boolean): Tone =>
  !different ? "neutral" : ratio < 1 ? "better" : "worse";

const plain = (text: string): Cell => ({ text, tone: "neutral" });
const NOTHING = plain("–");

/** `0.62× [0.60, 0.65]`; `~` in front where it may not be called a difference. */
export function formatInterval(ratio: JudgedRatio["ratio"], different: boolean): string {
  const number = (value: number): string => value.toFixed(value >= 10 ? 1 : 2);
  const interval =
    ratio.low === null || ratio.high === null ? "" : ` [${number(ratio.low)}, ${number(ratio.high)}]`;
  return `${different ? "" : "~"}${formatRatio(ratio.median)}${interval}`;
}

function ratioCell(judged: JudgedRatio | undefined, isBaseline: boolean): Cell {
  if (isBaseline) return plain("1×");
  if (judged === undefined) return NOTHING;
  const text = `${formatInterval(judged.ratio, judged.different)}${judged.net ? "" : " raw"}`;
  return { text, tone: toneOf(judged.ratio.median, judged.different) };
}

function nsPerEvent(value: number | null | undefined, unit: TimeUnit | undefined): string {
  if (value === null || value === undefined) return "–";
  return unit === undefined ? value.toFixed(value < 100 ? 2 : 0) : formatDuration(value, unit);
}

/** A percentile below twice the clock's own cost tells of the clock: `< 20 ns`. */
function percentile(values: Percentiles | undefined, key: "p99" | "p9999", clockNs: number | null): string {
  if (values === undefined || values.count === 0) return "–";
  const limit = 2 * (clockNs ?? 0);
  return values[key] < limit ? `< ${formatDuration(Math.ceil(limit))}` : formatDuration(values[key]);
}

function verified(row: ReportRow): Cell {
  if (row.result.failure !== undefined)
    return { text: row.result.verified === false ? "FAILED" : "stopped", tone: "failed" };
  if (row.result.verified === null) return plain("–");
  return row.result.verified ? plain("yes") : { text: "NO", tone: "failed" };
}

function peakRatio(row: ReportRow): Cell {
  if (row.isBaseline) return plain("1×");
  if (row.peak === undefined) return NOTHING;
  if (Math.abs(row.peak - 1) <= 0.01) return plain(`~${formatRatio(row.peak)}`);
  return { text: formatRatio(row.peak), tone: row.peak < 1 ? "better" : "worse" };
}

/** Below this, live memory is lost in the pages that any allocator starts with. */
const LEAST_FOR_FRAGMENTATION_BYTES = 64 * 1024;

function fragmentation({ result: { memory, route } }: ReportRow): Cell {
  if (memory === undefined || route === "none" || memory.peakLiveBytes < LEAST_FOR_FRAGMENTATION_BYTES)
    return NOTHING;
  return plain(formatPercent(memory.fragmentationAtPeak));
}

/** The columns of the table; those without any figure in the file are left out. */
export function tableColumns(file: ResultFile, unit?: TimeUnit): Column[] {
  const { baseline } = file.options;
  const { clockNs } = file.harness;
  const columns: Column[] = [
    { title: "allocator", align: "left", cell: (row) => plain(row.result.allocator) },
  ];
  const has = (figure: keyof ResultFile["results"][number]): boolean =>
    file.results.some((result) => result[figure] !== undefined);
  if (has("warm")) {
    const per = unit === undefined || unit === "ns" ? "ns/event" : "per event";
    columns.push(
      { title: `time / ${baseline}`, align: "right", cell: (row) => ratioCell(row.warm, row.isBaseline) },
      {
        title: `${per} net`,
        align: "right",
        cell: (row) => plain(nsPerEvent(row.result.warm?.netNsPerEvent, unit)),
      },
      {
        title: "raw",
        align: "right",
        cell: (row) => plain(nsPerEvent(row.result.warm?.rawNsPerEvent, unit)),
      },
      { title: "cold", align: "right", cell: (row) => coldCell(row) },
    );
  }
  if (has("memory")) {
    columns.push(
      {
        title: "peak memory",
        align: "right",
        cell: (row) => plain(formatBytes(row.result.memory?.peakBytes ?? Number.NaN)),
      },
      { title: `/ ${baseline}`, align: "right", cell: peakRatio },
      {
        title: "fragm.",
        align: "right",
        cell: fragmentation,
      },
    );
    if (file.options.idleMs > 0) {
      columns.push({
        title: "after idling",
        align: "right",
        cell: (row) => plain(formatBytes(row.result.memory?.idleBytes ?? Number.NaN)),
      });
    }
  }
  if (has("latencyNs")) {
    columns.push(
      {
        title: "alloc p99",
        align: "right",
        cell: (row) => plain(percentile(row.result.latencyNs?.alloc, "p99", clockNs)),
      },
      {
        title: "p99.99",
        align: "right",
        cell: (row) => plain(percentile(row.result.latencyNs?.alloc, "p9999", clockNs)),
      },
    );
  }
  if (file.options.verify) columns.push({ title: "verified", align: "left", cell: verified });
  return columns;
}

/** The cold ratio without its interval: one pass a round is too few to look at closely. */
function coldCell(row: ReportRow): Cell {
  if (row.isBaseline) return plain("1×");
  if (row.cold === undefined) return NOTHING;
  const text = `${row.cold.different ? "" : "~"}${formatRatio(row.cold.ratio.median)}`;
  return { text, tone: toneOf(row.cold.ratio.median, row.cold.different) };
}
