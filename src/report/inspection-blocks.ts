import type { ClassWaste, TraceAnalysis } from "../native.js";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../units.js";
import { type Histogram, histograms } from "./histogram.js";
import {
  type InspectionStyle,
  indented,
  plural,
  QUANTILE_ALIGN,
  QUANTILE_TITLES,
  quantiles,
  type Row,
  section,
  share,
} from "./section.js";
import { sparkline } from "./sparkline.js";

const CHART_WIDTH = 100;

const ROUNDINGS: Readonly<Record<ClassWaste["rounding"], string>> = {
  rustydb: "rustydb",
  jemalloc: "jemalloc, mimalloc 2",
  "eight-a-doubling": "8 classes a doubling",
  "power-of-two": "powers of two",
  glibc: "glibc, with its header",
};

export function births(analysis: TraceAnalysis): number {
  return analysis.eventsByType.alloc + analysis.eventsByType.realloc;
}

/** Sizes and lifetimes: quantiles, and a small chart of each. */
export function blocks(analysis: TraceAnalysis, style: InspectionStyle): string {
  const rows: Row[] = [QUANTILE_TITLES];
  const charts: Histogram[] = [];
  const add = (title: string, values: TraceAnalysis["lifetimeEvents"], format: (value: number) => string) => {
    rows.push(quantiles(title, values, format));
    charts.push({ title, values, format });
  };
  if (analysis.sizes.count > 0) add("size", analysis.sizes, formatBytes);
  if (analysis.lifetimeEvents.count > 0) add("lifetime, events", analysis.lifetimeEvents, formatCount);
  if (analysis.lifetimeNs !== null) add("lifetime", analysis.lifetimeNs, formatDuration);
  const table = section("Blocks", rows, QUANTILE_ALIGN, style);
  if (charts.length === 0) return table;
  const note = style.chalk.dim("  how many, in a column for each doubling:");
  return [table, note, ...histograms(charts, Math.min(style.width, CHART_WIDTH))].join("\n");
}

/** The twenty most frequent, side by side where the terminal is wide enough. */
export function topSizes(analysis: TraceAnalysis, style: InspectionStyle): string {
  const { top, topIsExact } = analysis.sizes;
  const cells = top.map(({ bytes, count }) => [
    `${formatCount(bytes)} B`,
    formatCount(count),
    share(count, births(analysis)),
  ]);
  const columns = style.width >= 76 ? 2 : 1;
  const height = Math.ceil(cells.length / columns);
  const rows: Row[] = cells
    .slice(0, height)
    .map((left, at) => (columns === 1 ? left : [...left, "   ", ...(cells[at + height] ?? [])]));
  const align = Array<"right">(columns === 1 ? 3 : 7).fill("right");
  const table = section("Most frequent sizes", rows, align, style);
  if (topIsExact) return table;
  return `${table}\n${indented("(the sizes above 32 KiB are too many to count each; some are left out)", style)}`;
}

/** What size classes would lose inside blocks, ours beside others'. */
export function classWaste(analysis: TraceAnalysis, style: InspectionStyle): string[] {
  if (births(analysis) === 0) return [];
  const waste = ({ requestedBytes, wastedBytes }: ClassWaste["atPeak"]): string =>
    requestedBytes === 0 ? "–" : formatPercent(wastedBytes / requestedBytes);
  const rows: Row[] = [
    ["size classes", "at the peak", "all births", "worst (served as)"],
    ...analysis.classWaste.map((each) => [
      ROUNDINGS[each.rounding],
      waste(each.atPeak),
      waste(each.overBirths),
      each.worst
        .filter(({ wastedBytes }) => wastedBytes > 0)
        .slice(0, style.width < 100 ? 1 : 3)
        .map(({ bytes, servedBytes }) => `${formatCount(bytes)} (${formatCount(servedBytes)})`)
        .join(", "),
    ]),
  ];
  const title = "Bytes lost inside blocks, of those asked for";
  return [section(title, rows, ["left", "right", "right", "left"], style)];
}

export function liveOverTime(analysis: TraceAnalysis, style: InspectionStyle): string {
  const { chalk, width } = style;
  const { peak, end, opening, liveOverTime: points } = analysis;
  const chart = (values: readonly number[]): string => sparkline(values, Math.min(CHART_WIDTH, width) - 10);
  const when = (point: { readonly event: number }): string =>
    `event ${formatCount(point.event)} (${share(point.event, analysis.events)} of the way)`;
  const lines = [
    chalk.bold("Live over time"),
    `  bytes   ${chart(points.map(({ liveBytes }) => liveBytes))}`,
    `  blocks  ${chart(points.map(({ liveBlocks }) => liveBlocks))}`,
    indented(
      `peak ${formatBytes(peak.liveBytes)} in ${plural(peak.liveBlocks, "block")} at ${when(peak)}; ` +
        `at most ${plural(analysis.peakLiveBlocks, "block")}`,
      style,
    ),
    `  end  ${formatBytes(end.liveBytes)} in ${plural(end.liveBlocks, "block")} still alive`,
  ];
  if (opening !== null) {
    const open =
      opening.openTransactions === 0 ? "" : ` and ${plural(opening.openTransactions, "open transaction")}`;
    const population =
      `opening population ${formatBytes(opening.liveBytes)} in ${plural(opening.liveBlocks, "block")}${open}, ` +
      `at the mark "start", ${when(opening)}`;
    lines.push(indented(population, style));
  }
  if (analysis.firstTimeNs !== null && analysis.lastTimeNs !== null) {
    lines.push(`  the trace lasted ${formatDuration(analysis.lastTimeNs - analysis.firstTimeNs)}`);
  }
  return lines.join("\n");
}

/** In what order blocks come and go on a thread. */
export function bursts(analysis: TraceAnalysis, style: InspectionStyle): string[] {
  const { bursts: shape } = analysis;
  if (births(analysis) === 0) return [];
  const rows: Row[] = [QUANTILE_TITLES];
  if (shape.allocRuns.count > 0) rows.push(quantiles("allocations in a row", shape.allocRuns, formatCount));
  if (shape.freeRuns.count > 0) rows.push(quantiles("frees in a row", shape.freeRuns, formatCount));
  if (shape.reuseEvents.count > 0)
    rows.push(quantiles("events to size's reuse", shape.reuseEvents, formatCount));
  const facts = [
    `${share(shape.lifoFrees, shape.frees)} of the frees are in stack order: of the live block that its thread made last`,
    `${share(shape.reuseEvents.count, shape.reuseEvents.count + shape.freshBirths)} of the blocks up to 32 KiB were asked for ` +
      "when one of exactly their size had died and none had followed it",
  ];
  return [
    [
      section("Bursts, on each thread", rows, QUANTILE_ALIGN, style),
      ...facts.map((f) => indented(f, style)),
    ].join("\n"),
  ];
}
