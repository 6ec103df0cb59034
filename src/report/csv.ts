import type { AllocatorResult, ResultFile } from "../measure/measurement.js";
import { entryOf } from "./replay-forecast.js";
import { type ReportRow, reportRows } from "./rows.js";

type Value = string | number | boolean | null | undefined;

function latencyColumns(operation: "alloc" | "free" | "transaction"): [string, (row: ReportRow) => Value][] {
  const of = (row: ReportRow): NonNullable<AllocatorResult["latencyNs"]>["alloc"] =>
    row.result.latencyNs?.[operation];
  return [
    [`${operation}_p50_ns`, (row) => of(row)?.p50],
    [`${operation}_p99_ns`, (row) => of(row)?.p99],
    [`${operation}_p9999_ns`, (row) => of(row)?.p9999],
    [`${operation}_max_ns`, (row) => of(row)?.max],
  ];
}

function levelColumn(
  level: "warning" | "high" | "critical" | "emergency",
): [string, (row: ReportRow) => Value] {
  const of = ({ result: { forecast } }: ReportRow): Value =>
    forecast === undefined ? undefined : entryOf(forecast, level)?.atS;
  return [`forecast_${level}_s`, of];
}

/** A column never changes its meaning; new ones come at the end. */
const COLUMNS: readonly [string, (row: ReportRow) => Value][] = [
  ["trace", (row) => row.result.trace],
  ["allocator", (row) => row.result.allocator],
  ["route", (row) => row.result.route],
  ["library", (row) => row.result.library],
  ["version", (row) => row.result.version],
  ["rounds", (row) => row.result.rounds.filter((round) => round.valid).length],
  ["warm_ratio", (row) => row.warm?.ratio.median],
  ["warm_ratio_low", (row) => row.warm?.ratio.low],
  ["warm_ratio_high", (row) => row.warm?.ratio.high],
  ["warm_different", (row) => row.warm?.different],
  ["warm_net_ns_per_event", (row) => row.result.warm?.netNsPerEvent],
  ["warm_raw_ns_per_event", (row) => row.result.warm?.rawNsPerEvent],
  ["cold_ratio", (row) => row.cold?.ratio.median],
  ["cold_net_ns_per_event", (row) => row.result.cold?.netNsPerEvent],
  ["cold_raw_ns_per_event", (row) => row.result.cold?.rawNsPerEvent],
  ["cpu_net_ns_per_event", (row) => row.result.cpu?.netNsPerEvent],
  ["events_per_second", (row) => row.result.eventsPerSecond],
  ["peak_bytes", (row) => row.result.memory?.peakBytes],
  ["peak_ratio", (row) => row.peak],
  ["peak_live_bytes", (row) => row.result.memory?.peakLiveBytes],
  ["integrated_bytes", (row) => row.result.memory?.integratedBytes],
  ["fragmentation_at_peak", (row) => row.result.memory?.fragmentationAtPeak],
  ["end_bytes", (row) => row.result.memory?.endBytes],
  ["minor_faults", (row) => row.result.memory?.minorFaults],
  ...latencyColumns("alloc"),
  ...latencyColumns("free"),
  ...latencyColumns("transaction"),
  ["replayed_over_recorded_peak", (row) => row.result.replayedOverRecordedPeak],
  ["verified", (row) => row.result.verified],
  ["failure", (row) => row.result.failure?.code],
  ["forecast_limit_bytes", (row) => row.result.forecast?.limitBytes],
  ...(["warning", "high", "critical", "emergency"] as const).map(levelColumn),
  ["forecast_out_s", (row) => row.result.forecast?.outS],
  ["forecast_skill_60s", (row) => row.result.forecast?.skill.find(({ horizonS }) => horizonS === 60)?.skill],
  ["forecast_purged_peak_bytes", (row) => row.result.forecast?.relieved?.peakBytes],
  ["forecast_purged_out_s", (row) => row.result.forecast?.relieved?.outS],
];

/** RFC 4180: quotes only where they are needed. */
function field(value: Value): string {
  const text = value === undefined || value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** With its end of line. */
export function csvLine(values: readonly Value[]): string {
  return `${values.map(field).join(",")}\n`;
}

/** One row an allocator and trace. */
export function csvReport(file: ResultFile): string {
  const rows = file.traces.flatMap((trace) => reportRows(file, trace, "given"));
  const lines = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, value]) => value(row)))];
  return lines.map(csvLine).join("");
}
