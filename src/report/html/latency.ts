import type { LatencyResult, Percentiles } from "../../measure/measurement.js";
import { formatCount, formatDuration } from "../../units.js";
import type { ReportRow } from "../rows.js";
import { type Charts, seriesChannels } from "./chart.js";
import { figure, figures } from "./figure.js";
import { html, type Markup, type Part } from "./markup.js";
import { legend, patch, type SeriesStyles } from "./palette.js";

type Operation = keyof LatencyResult;

const OPERATIONS: readonly (readonly [Operation, string])[] = [
  ["alloc", "How long an allocation takes"],
  ["free", "How long a free takes"],
  ["realloc", "How long a reallocation takes"],
  ["transaction", "How long a transaction takes, begin to end"],
];

const NAMED = [
  ["p50", Math.log10(2), "p50"],
  ["p90", 1, "p90"],
  ["p99", 2, "p99"],
  ["p999", 3, "p99.9"],
  ["p9999", 4, "p99.99"],
] as const;

interface CurvePoint {
  readonly nines: number;
  readonly ns: number;
}

/**
 * A distribution as points over −log10(1 − share). Results without the curve have the five percentiles that have names. Where
 * there were fewer operations than a point needs, it is left out: it would be the maximum again.
 */
export function curveOf(values: Percentiles): CurvePoint[] {
  const most = Math.log10(values.count) + 1e-9;
  const all =
    values.curveNs === undefined
      ? NAMED.map(([key, nines]) => ({ nines, ns: values[key] }))
      : values.curveNs.map((ns, at) => ({ nines: at / 8, ns }));
  return all.filter(({ nines }) => nines <= most).map(({ nines, ns }) => ({ nines, ns: Math.max(1, ns) }));
}

interface Measured {
  readonly allocator: string;
  readonly values: Percentiles;
}

const LABELS =
  "datum.value >= 1e9 ? datum.value/1e9 + ' s' : datum.value >= 1e6 ? datum.value/1e6 + ' ms' : datum.value >= 1e3 ? datum.value/1e3 + ' µs' : datum.value + ' ns'";
const SHARES =
  "datum.value < 0.5 ? 'p50' : datum.value == 1 ? 'p90' : datum.value == 2 ? 'p99' : datum.value == 3 ? 'p99.9' : 'p99.99'";

async function operationFigure(
  charts: Charts,
  title: string,
  measured: readonly Measured[],
  clockNs: number | null,
  styleOf: SeriesStyles,
): Promise<Markup> {
  const floorNs = 2 * (clockNs ?? 0);
  const styles = measured.map(({ allocator }) => styleOf(allocator));
  const points = measured.flatMap(({ allocator, values }) =>
    curveOf(values).map((point) => ({ series: allocator, ...point })),
  );
  const marks = measured.flatMap(({ allocator, values }) =>
    NAMED.filter(([, nines]) => nines <= Math.log10(values.count)).map(([key, nines]) => ({
      series: allocator,
      nines,
      ns: Math.max(1, values[key]),
    })),
  );
  const all = points.map(({ ns }) => ns);
  const low = Math.max(1, Math.min(...all, floorNs || Number.POSITIVE_INFINITY) * 0.7);
  const high = Math.max(...all, floorNs * 2) * 1.3;
  const x = {
    field: "nines",
    type: "quantitative",
    title: "percentile of operations (log scale)",
    scale: { domain: [0, 4], nice: false },
    axis: {
      values: NAMED.map(([, nines]) => nines),
      labelExpr: SHARES,
      labelFlush: true,
      labelOverlap: false,
    },
  };
  const decades = Array.from({ length: 12 }, (_, power) => 10 ** power).filter(
    (ns) => ns >= low && ns <= high,
  );
  const y = {
    field: "ns",
    type: "quantitative",
    title: "time (ns to s, log scale)",
    scale: { type: "log", domain: [low, high], nice: false },
    axis: { values: decades.length > 1 ? decades : undefined, labelExpr: LABELS },
  };
  const layer = [
    ...(floorNs > low
      ? [
          {
            data: { values: [{ from: low, to: floorNs }] },
            mark: { type: "rect", color: "var(--band)" },
            encoding: { y: { ...y, field: "from" }, y2: { field: "to" } },
          },
        ]
      : []),
    {
      data: { values: points },
      mark: { type: "line", strokeWidth: 1.8, strokeJoin: "round" },
      encoding: { x, y, detail: { field: "series" }, ...seriesChannels(styles, "color", "strokeDash") },
    },
    {
      data: { values: marks },
      mark: { type: "point", filled: true, size: 34, opacity: 1 },
      encoding: { x, y, ...seriesChannels(styles, "color", "shape") },
    },
  ];
  const told = (ns: number): string =>
    ns < floorNs ? `< ${formatDuration(Math.ceil(floorNs))}` : formatDuration(ns);
  const tail = [...measured].sort((a, b) => a.values.p9999 - b.values.p9999);
  const [best, worst] = [tail[0], tail.at(-1)];
  const summary =
    best === undefined || worst === undefined || best === worst
      ? `99.99 % of them take at most ${told(best?.values.p9999 ?? Number.NaN)}.`
      : `99.99 % of them take at most ${told(best.values.p9999)} with ${best.allocator}, ${told(worst.values.p9999)} with ${worst.allocator}.`;
  return figure({
    title,
    summary,
    chart: await charts.draw({ width: 380, height: 280, layer }, `${title}. ${summary}`),
    data: {
      columns: ["allocator", "operations", ...NAMED.map(([, , name]) => name), "longest"],
      align: ["left", ...Array<"right">(7).fill("right")],
      rows: measured.map(({ allocator, values }) => [
        allocator,
        formatCount(values.count),
        ...NAMED.map(([key]) => told(values[key])),
        told(values.max),
      ]),
    },
  });
}

/** A chart for each kind of operation that was timed, below one legend; nothing where none was. */
export async function latencyPart(
  charts: Charts,
  rows: readonly ReportRow[],
  clockNs: number | null,
  styleOf: SeriesStyles,
): Promise<Part> {
  const all: Markup[] = [];
  const shown = new Set<string>();
  for (const [operation, title] of OPERATIONS) {
    const measured = rows.flatMap(({ result }): Measured[] => {
      const values = result.latencyNs?.[operation];
      if (values === undefined || values.count === 0 || result.route === "none") return [];
      return [{ allocator: result.allocator, values }];
    });
    for (const { allocator } of measured) shown.add(allocator);
    if (measured.length > 0) all.push(await operationFigure(charts, title, measured, clockNs, styleOf));
  }
  if (all.length === 0) return undefined;
  const floor = clockNs === null ? [] : [patch("var(--band)", "below twice the clock’s own cost")];
  return html`${legend([...shown].map(styleOf), floor)}${figures(all)}`;
}
