import type { Ratio } from "../../measure/measurement.js";
import { formatPercent, formatRatio } from "../../units.js";
import { formatInterval } from "../cells.js";
import { type Charts, logTicks, type Spec, seriesChannels } from "./chart.js";
import { figure } from "./figure.js";
import type { Markup } from "./markup.js";
import { legend, patch, type SeriesStyles } from "./palette.js";

export interface RatioPoint {
  readonly allocator: string;
  readonly ratio: Ratio;
  readonly different: boolean;
}

export interface RatioChart {
  readonly title: string;
  /** Of the axis: what is divided, and what the left side is. */
  readonly axis: string;
  readonly better: string;
  readonly baseline: string;
  readonly points: readonly RatioPoint[];
  /** How far from 1 noise alone was seen to go. */
  readonly noiseFloor?: number | null | undefined;
}

const ROW_PX = 32;

function domainOf({ points, noiseFloor }: RatioChart): [number, number] {
  const values = points.flatMap(({ ratio }) => [
    ratio.low ?? ratio.median,
    ratio.median,
    ratio.high ?? ratio.median,
  ]);
  const noise = noiseFloor ? [1 / (1 + noiseFloor), 1 + noiseFloor] : [];
  const all = [1, ...values, ...noise].filter((value) => value > 0 && Number.isFinite(value));
  return [Math.min(0.8, Math.min(...all) * 0.94), Math.max(1.25, Math.max(...all) * 1.12)];
}

/** Ratios to the baseline with their intervals, a line each; 1 is the baseline itself. */
export async function ratioFigure(charts: Charts, chart: RatioChart, styleOf: SeriesStyles): Promise<Markup> {
  const { points, baseline, noiseFloor } = chart;
  const styles = points.map(({ allocator }) => styleOf(allocator));
  const [low, high] = domainOf(chart);
  const clamp = (value: number): number => Math.max(low, Math.min(high, value));
  const values = points.map(({ allocator, ratio, different }) => ({
    series: allocator,
    at: clamp(ratio.median),
    low: clamp(ratio.low ?? ratio.median),
    high: clamp(ratio.high ?? ratio.median),
    text: `${different ? "" : "~"}${formatRatio(ratio.median)}`,
  }));
  const x = {
    field: "at",
    type: "quantitative",
    title: chart.axis,
    scale: { type: "log", domain: [low, high], nice: false },
    axis: {
      values: logTicks(low, high),
      labelExpr: "format(datum.value, '~g') + '×'",
    },
  };
  const y = {
    field: "series",
    type: "nominal",
    title: null,
    sort: null,
    axis: { labelFontSize: 12, labelColor: "var(--ink)", labelLimit: 190, grid: true },
  };
  const band: Spec[] = noiseFloor
    ? [
        {
          data: { values: [{ from: 1 / (1 + noiseFloor), to: 1 + noiseFloor }] },
          mark: { type: "rect", color: "var(--band)" },
          encoding: { x: { ...x, field: "from" }, x2: { field: "to" } },
        },
      ]
    : [];
  const layer: Spec[] = [
    ...band,
    {
      data: { values: [{ at: 1 }] },
      mark: { type: "rule", color: "var(--s-base)", strokeWidth: 1.5 },
      encoding: { x },
    },
    {
      data: { values },
      mark: { type: "rule", strokeWidth: 3, strokeCap: "round", opacity: 0.55 },
      encoding: { y, x: { ...x, field: "low" }, x2: { field: "high" }, ...seriesChannels(styles, "color") },
    },
    {
      data: { values },
      mark: { type: "point", filled: true, size: 80, opacity: 1 },
      encoding: { y, x, ...seriesChannels(styles, "color", "shape") },
    },
    {
      data: { values },
      mark: { type: "text", dy: -11, color: "var(--ink)", fontSize: 11 },
      encoding: { y, x, text: { field: "text" } },
    },
  ];
  const sorted = [...points].sort((a, b) => a.ratio.median - b.ratio.median);
  const told = sorted.filter(({ different }) => different);
  const [best] = told;
  const summary =
    best === undefined
      ? `No difference to ${baseline} that could be told.`
      : best.ratio.median < 1
        ? `${best.allocator} is lowest with ${formatRatio(best.ratio.median)} of ${baseline}; left of 1 is ${chart.better}.`
        : `None is below ${baseline}; left of 1 would be ${chart.better}.`;
  const noise =
    noiseFloor === null
      ? " The noise has no bound, so no difference is called one."
      : noiseFloor
        ? ` Noise alone was seen to reach ${formatPercent(noiseFloor)}.`
        : "";
  return figure({
    title: chart.title,
    summary: `${summary}${noise}`,
    chart: await charts.draw(
      { width: 380, height: 54 + ROW_PX * points.length, layer },
      `${chart.title}. ${summary}`,
    ),
    ...(noiseFloor
      ? { legend: legend([], [patch("var(--band)", "noise: the baseline against itself")]) }
      : {}),
    data: {
      columns: ["allocator", "ratio [95 % interval]", "a difference"],
      align: ["left", "right", "left"],
      rows: points.map(({ allocator, ratio, different }) => [
        allocator,
        formatInterval(ratio, true),
        different ? "yes" : "not told",
      ]),
    },
  });
}
