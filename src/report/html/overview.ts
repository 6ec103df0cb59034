import type { ResultFile, TraceResult } from "../../measure/measurement.js";
import { isDifference } from "../../statistics/comparison.js";
import { formatBytes, formatCount, formatPercent, formatRatio, type TimeUnit } from "../../units.js";
import { describeTrace, isMeanDifference } from "../answer.js";
import { formatInterval, type Tone, tableColumns } from "../cells.js";
import { type ReportRow, reportRows, type Sort } from "../rows.js";
import type { Charts } from "./chart.js";
import { figures, type TableCell, table } from "./figure.js";
import { html, type Markup, type Part } from "./markup.js";
import type { SeriesStyles } from "./palette.js";
import { ratioFigure } from "./ratios.js";

export interface TableStyle {
  readonly sort: Sort;
  readonly unit: TimeUnit | undefined;
}

/** The row that the verdict is about. */
function subjectOf(rows: readonly ReportRow[]): ReportRow | undefined {
  const others = rows.filter(
    ({ isBaseline, result, warm, peak }) =>
      !isBaseline && result.route !== "none" && (warm !== undefined || peak !== undefined),
  );
  return others.find(({ result }) => result.allocator === "rustydb") ?? others[0];
}

/** The few figures of the verdict, large. */
export function tiles(file: ResultFile, trace: TraceResult): Part {
  const { baseline } = file.options;
  const row = subjectOf(reportRows(file, trace, "time"));
  if (row === undefined) return undefined;
  const { result, warm, peak } = row;
  const all: { value: string; what: string; tone: Tone }[] = [];
  const toneOf = (ratio: number, different: boolean): Tone =>
    different ? (ratio < 1 ? "better" : "worse") : "neutral";
  if (warm !== undefined) {
    all.push({
      value: formatRatio(warm.ratio.median),
      what: `the time of ${baseline}`,
      tone: toneOf(warm.ratio.median, warm.different),
    });
  }
  if (peak !== undefined) {
    all.push({
      value: formatRatio(peak),
      what: `the peak memory of ${baseline}`,
      tone: toneOf(peak, Math.abs(peak - 1) > 0.01),
    });
  }
  if (result.warm !== undefined) {
    const { netNsPerEvent, rawNsPerEvent } = result.warm;
    const what = netNsPerEvent === null ? "an event, with the loop" : "an event, without the loop";
    all.push({ value: `${(netNsPerEvent ?? rawNsPerEvent).toFixed(1)} ns`, what, tone: "neutral" });
  }
  if (result.memory !== undefined && result.memory.peakLiveBytes > 0) {
    all.push({
      value: formatBytes(result.memory.peakBytes),
      what: `for ${formatBytes(result.memory.peakLiveBytes)} alive at the peak`,
      tone: "neutral",
    });
  }
  if (all.length === 0) return undefined;
  return html`<dl class="tiles" aria-label="${result.allocator} in figures">${all.map(
    ({ value, what, tone }) =>
      html`<div><dt><b>${result.allocator}</b> ${what}</dt><dd class="${tone}">${value}</dd></div>`,
  )}</dl>`;
}

/** What the trace is, as a list of short facts. */
export function facts(trace: TraceResult): Markup {
  const all = [
    ...describeTrace(trace).split(/, (?=\d)/),
    `${formatBytes(trace.peakLiveBytes)} alive at the peak`,
    ...(trace.crossThreadFrees > 0 ? [`${formatCount(trace.crossThreadFrees)} frees by another thread`] : []),
    ...(trace.scopedBlocks > 0 ? [`${formatCount(trace.scopedBlocks)} blocks of transactions`] : []),
  ];
  return html`<ul class="facts">${all.map((fact) => html`<li>${fact}</li>`)}</ul>`;
}

/** The table of every report. */
export function resultTable(file: ResultFile, trace: TraceResult, { sort, unit }: TableStyle): Markup {
  const columns = tableColumns(file, unit);
  return table({
    label: `All allocators on ${trace.name}`,
    columns: columns.map(({ title }) => title),
    align: columns.map(({ align }) => align),
    rows: reportRows(file, trace, sort).map((row) => columns.map(({ cell }) => cell(row))),
  });
}

/** Ratios of time and of peak memory to the baseline. */
export async function ratioFigures(
  charts: Charts,
  file: ResultFile,
  trace: TraceResult,
  sort: Sort,
  styleOf: SeriesStyles,
): Promise<Part> {
  const { baseline } = file.options;
  const rows = reportRows(file, trace, sort).filter(({ result }) => result.route !== "none");
  const all: Markup[] = [];
  const times = rows.flatMap(({ result, warm }) =>
    warm === undefined ? [] : [{ allocator: result.allocator, ratio: warm.ratio, different: warm.different }],
  );
  if (times.length > 0) {
    all.push(
      await ratioFigure(
        charts,
        {
          title: `Time against ${baseline}`,
          axis: `time / time of ${baseline} (ratio, log scale)`,
          better: "faster",
          baseline,
          points: times,
          noiseFloor: file.harness.noiseFloor?.[trace.name],
        },
        styleOf,
      ),
    );
  }
  const peaks = rows.flatMap(({ result, peak }) =>
    peak === undefined
      ? []
      : [
          {
            allocator: result.allocator,
            ratio: { median: peak, low: null, high: null },
            different: Math.abs(peak - 1) > 0.01,
          },
        ],
  );
  if (peaks.length > 0) {
    all.push(
      await ratioFigure(
        charts,
        {
          title: `Peak memory against ${baseline}`,
          axis: `peak memory / that of ${baseline} (ratio, log scale)`,
          better: "less memory",
          baseline,
          points: peaks,
        },
        styleOf,
      ),
    );
  }
  return figures(all);
}

/** Over all traces: the geometric means as a chart, and every trace's ratio in a table that leads to its section. */
export async function meansPart(
  charts: Charts,
  file: ResultFile,
  anchors: ReadonlyMap<string, string>,
  styleOf: SeriesStyles,
): Promise<Part> {
  if (file.traces.length < 2) return undefined;
  const { baseline } = file.options;
  const means: Markup[] = [];
  for (const [metric, name, better] of [
    ["warm", "Time", "faster"],
    ["peak", "Peak memory", "less memory"],
  ] as const) {
    const points = file.geometricMeans
      .filter((mean) => mean.metric === metric && mean.net)
      .sort((a, b) => a.ratio.median - b.ratio.median)
      .map((mean) => ({
        allocator: mean.allocator,
        ratio: mean.ratio,
        different: metric === "peak" ? Math.abs(mean.ratio.median - 1) > 0.01 : isMeanDifference(file, mean),
      }));
    if (points.length === 0) continue;
    means.push(
      await ratioFigure(
        charts,
        {
          title: `${name} against ${baseline}, geometric mean of ${file.traces.length} traces`,
          axis: `${name.toLowerCase()} / ${baseline} (ratio, log scale)`,
          better,
          baseline,
          points,
        },
        styleOf,
      ),
    );
  }
  return html`${figures(means)}<h3>Time against ${baseline}, trace by trace</h3>${ratioMatrix(file, anchors)}`;
}

function ratioMatrix(file: ResultFile, anchors: ReadonlyMap<string, string>): Markup {
  const { baseline } = file.options;
  const allocators = [
    ...new Set(file.results.filter(({ route }) => route !== "none").map((result) => result.allocator)),
  ].filter((allocator) => allocator !== baseline);
  const cellOf = (trace: TraceResult, allocator: string): TableCell => {
    const found = (net: boolean) =>
      file.comparisons.find(
        (each) =>
          each.trace === trace.name &&
          each.allocator === allocator &&
          each.metric === "warm" &&
          each.net === net,
      );
    const comparison = found(true) ?? found(false);
    if (comparison === undefined) return "–";
    const { ratio } = comparison;
    const different = isDifference(ratio, file.harness.noiseFloor?.[trace.name]);
    const tone: Tone = different ? (ratio.median < 1 ? "better" : "worse") : "neutral";
    return { text: formatInterval({ ...ratio, low: null }, different), tone };
  };
  return table({
    label: `Time against ${baseline}, trace by trace`,
    columns: ["trace", ...allocators],
    align: ["left", ...allocators.map(() => "right" as const)],
    rows: file.traces.map((trace) => [
      html`<a href="#${anchors.get(trace.name) ?? ""}">${trace.name}</a>`,
      ...allocators.map((allocator) => cellOf(trace, allocator)),
    ]),
  });
}

/** Links to the sections: id and text. */
export function contents(links: readonly (readonly [string, string])[]): Markup {
  return html`<nav aria-label="Contents"><ul>${links.map(([to, text]) => html`<li><a href="#${to}">${text}</a></li>`)}</ul></nav>`;
}

/** More are folded away: a benchmark of thirty traces has dozens. */
const WARNINGS_SHOWN = 5;

/** What weakens the figures. */
export function warningsPart(file: ResultFile): Part {
  const floors = Object.entries(file.harness.noiseFloor ?? {}).map(([trace, floor]) =>
    floor === null
      ? `Noise floor on ${trace}: without a bound, so no difference is called one (${file.options.baseline} against itself).`
      : `Noise floor on ${trace}: ${formatPercent(floor)} (${file.options.baseline} against itself).`,
  );
  const all = [
    ...(file.partial ? ["Partial: this is what was finished before it was stopped."] : []),
    ...floors,
    ...file.warnings,
    ...(file.bench?.compared?.warnings ?? []),
  ];
  if (all.length === 0) return undefined;
  const list = (some: readonly string[]): Markup =>
    html`<ul>${some.map((text) => html`<li>${text}</li>`)}</ul>`;
  const rest = all.slice(WARNINGS_SHOWN);
  return html`<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">To be kept in mind</h2>${list(all.slice(0, WARNINGS_SHOWN))}${rest.length > 0 && html`<details><summary>And ${rest.length} more</summary>${list(rest)}</details>`}</section>`;
}
