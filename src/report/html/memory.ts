import type { MemoryResult } from "../../measure/measurement.js";
import { formatBytes, formatCount, formatPercent } from "../../units.js";
import type { ReportRow } from "../rows.js";
import { type Charts, type Spec, seriesChannels } from "./chart.js";
import { figure, table } from "./figure.js";
import type { Markup, Part } from "./markup.js";
import { legend, patch, type SeriesStyles } from "./palette.js";
import { byteUnit, countUnit } from "./scales.js";
import { thinned } from "./thin.js";

interface Weighed {
  readonly allocator: string;
  readonly memory: MemoryResult;
}

/** Where next to nothing is alive, memory over live bytes says nothing of an allocator. */
const LEAST_LIVE_BYTES = 64 * 1024;
const LEAST_LIVE_SHARE = 0.2;
const MARKS = 7;
const DATA_ROWS = 12;

function weighed(rows: readonly ReportRow[]): Weighed[] {
  return rows.flatMap(({ result: { allocator, memory, route } }) =>
    memory === undefined || route === "none" || memory.timeline.length < 2 ? [] : [{ allocator, memory }],
  );
}

/** Every so manieth, for the markers and the tables; the last is among them. */
function some<T>(points: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor((points.length - 1) / (count - 1)));
  return points.filter((_, at) => at % step === 0 || at === points.length - 1);
}

/** The markers of each line lie elsewhere, so that lines on top of each other can be told. */
function marked<T>(points: readonly T[], series: number, all: number): T[] {
  const step = Math.max(1, Math.floor(points.length / MARKS));
  const offset = Math.floor((step * (series + 0.5)) / all);
  return points.filter((_, at) => at % step === offset);
}

function lines(
  x: Spec,
  y: Spec,
  values: readonly (readonly { readonly series: string }[])[],
  styles: Parameters<typeof seriesChannels>[0],
): Spec[] {
  return [
    {
      data: { values: values.flat() },
      mark: { type: "line", strokeWidth: 1.8, strokeJoin: "round" },
      encoding: { x, y, detail: { field: "series" }, ...seriesChannels(styles, "color", "strokeDash") },
    },
    {
      data: { values: values.flatMap((points, at) => marked(points, at, values.length)) },
      mark: { type: "point", filled: true, size: 34, opacity: 1 },
      encoding: { x, y, ...seriesChannels(styles, "color", "shape") },
    },
  ];
}

async function overTime(
  charts: Charts,
  all: readonly Weighed[],
  styleOf: SeriesStyles,
  points: number,
): Promise<Markup> {
  const styles = all.map(({ allocator }) => styleOf(allocator));
  const curves = all.map(({ memory }) => thinned(memory.timeline, points));
  const most = Math.max(...all.map(({ memory }) => Math.max(memory.peakBytes, memory.peakLiveBytes)));
  const [unit, events] = [byteUnit(most), countUnit(curves[0]?.at(-1)?.event ?? 0, "events")];
  const x = {
    field: "at",
    type: "quantitative",
    title: `place in the trace (${events.name})`,
    scale: { nice: false },
    axis: { grid: false },
  };
  const y = { field: "value", type: "quantitative", title: `memory (${unit.name})` };
  const live = (curves[0] ?? []).map(({ event, liveBytes }) => ({
    at: event / events.per,
    value: liveBytes / unit.per,
  }));
  const values = curves.map((curve, at) =>
    curve.map(({ event, bytes }) => ({
      series: all[at]?.allocator ?? "",
      at: event / events.per,
      value: bytes / unit.per,
    })),
  );
  const layer = [
    { data: { values: live }, mark: { type: "area", color: "var(--live)" }, encoding: { x, y } },
    ...lines(x, y, values, styles),
  ];
  const byPeak = [...all].sort((a, b) => a.memory.peakBytes - b.memory.peakBytes);
  const [least, largest] = [byPeak[0], byPeak.at(-1)];
  const summary =
    least === undefined || largest === undefined
      ? ""
      : `${formatBytes(least.memory.peakLiveBytes)} are alive at the most; for that ${least.allocator} takes ${formatBytes(least.memory.peakBytes)}` +
        (least === largest ? "." : ` and ${largest.allocator} ${formatBytes(largest.memory.peakBytes)}.`);
  const title = "Resident memory over the trace";
  const shown = curves.map((curve) => some(curve, DATA_ROWS));
  return figure({
    title,
    summary,
    wide: true,
    chart: await charts.draw({ width: 860, height: 330, layer }, `${title}. ${summary}`),
    data: {
      columns: ["allocator", "event", "live", "memory"],
      align: ["left", "right", "right", "right"],
      rows: shown.flatMap((curve, at) =>
        curve.map(({ event, liveBytes, bytes }) => [
          all[at]?.allocator ?? "",
          formatCount(event),
          formatBytes(liveBytes),
          formatBytes(bytes),
        ]),
      ),
    },
  });
}

async function fragmentation(
  charts: Charts,
  all: readonly Weighed[],
  styleOf: SeriesStyles,
  points: number,
): Promise<Markup | undefined> {
  const styles = all.map(({ allocator }) => styleOf(allocator));
  const curves = all.map(({ memory }) =>
    thinned(memory.timeline, points).filter(
      ({ liveBytes }) => liveBytes >= Math.max(LEAST_LIVE_BYTES, memory.peakLiveBytes * LEAST_LIVE_SHARE),
    ),
  );
  if (curves.every((curve) => curve.length < 2)) return undefined;
  const events = countUnit(Math.max(...curves.map((curve) => curve.at(-1)?.event ?? 0)), "events");
  const x = {
    field: "at",
    type: "quantitative",
    title: `place in the trace (${events.name})`,
    scale: { nice: false },
    axis: { grid: false },
  };
  const y = { field: "value", type: "quantitative", title: "memory beyond live bytes (%)" };
  const values = curves.map((curve, at) =>
    curve.map(({ event, bytes, liveBytes }) => ({
      series: all[at]?.allocator ?? "",
      at: event / events.per,
      value: (bytes / liveBytes - 1) * 100,
    })),
  );
  const title = "Fragmentation over the trace";
  const atPeak = [...all].sort((a, b) => a.memory.fragmentationAtPeak - b.memory.fragmentationAtPeak);
  const [least, most] = [atPeak[0], atPeak.at(-1)];
  const summary =
    least === undefined || most === undefined
      ? ""
      : `At the peak ${least.allocator} holds ${formatPercent(least.memory.fragmentationAtPeak)} more than is alive` +
        (least === most ? "." : `, ${most.allocator} ${formatPercent(most.memory.fragmentationAtPeak)}.`);
  return figure({
    title,
    summary,
    wide: true,
    chart: await charts.draw(
      { width: 860, height: 260, layer: lines(x, y, values, styles) },
      `${title}. ${summary}`,
    ),
    data: {
      columns: ["allocator", "event", "fragmentation"],
      align: ["left", "right", "right"],
      rows: curves.flatMap((curve, at) =>
        some(curve, DATA_ROWS).map(({ event, bytes, liveBytes }) => [
          all[at]?.allocator ?? "",
          formatCount(event),
          formatPercent(bytes / liveBytes - 1),
        ]),
      ),
    },
  });
}

function summaryTable(all: readonly Weighed[]): Markup {
  const idle = all.some(({ memory }) => memory.idleBytes !== undefined);
  const huge = all.some(({ memory }) => memory.hugePageBytes !== undefined);
  const or = (bytes: number | undefined): string => formatBytes(bytes ?? Number.NaN);
  const columns = [
    "allocator",
    "peak",
    "on average",
    "at the end",
    ...(idle ? ["after idling"] : []),
    "page faults",
    ...(huge ? ["in huge pages"] : []),
  ];
  return table({
    label: "Memory of each allocator: peak, average, end",
    columns,
    align: ["left", ...Array<"right">(columns.length - 1).fill("right")],
    rows: all.map(({ allocator, memory }) => [
      allocator,
      formatBytes(memory.peakBytes),
      formatBytes(memory.integratedBytes),
      formatBytes(memory.endBytes),
      ...(idle ? [or(memory.idleBytes)] : []),
      formatCount(memory.minorFaults),
      ...(huge ? [or(memory.hugePageBytes)] : []),
    ]),
  });
}

/** Memory over the trace, beyond what is alive, and in figures; nothing where it was not weighed. `points`: of each curve. */
export async function memoryPart(
  charts: Charts,
  rows: readonly ReportRow[],
  styleOf: SeriesStyles,
  points: number,
): Promise<Part> {
  const all = weighed(rows);
  if (all.length === 0) return undefined;
  const styles = all.map(({ allocator }) => styleOf(allocator));
  return [
    legend(styles, [patch("var(--live)", "live: asked for and not freed")]),
    await overTime(charts, all, styleOf, points),
    await fragmentation(charts, all, styleOf, points),
    summaryTable(all),
  ];
}
