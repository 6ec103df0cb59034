import { isDifference } from "../../statistics/comparison.js";
import { type SuiteRows, shortName } from "../bench.js";
import { type Charts, logTicks, type Spec, seriesChannels } from "./chart.js";
import type { Markup } from "./markup.js";
import type { SeriesStyles } from "./palette.js";

/** A dot and its interval. */
interface Point {
  readonly of: string;
  readonly series: string;
  readonly at: number;
  readonly low: number;
  readonly high: number;
  /** A hollow dot is no difference that could be told. */
  readonly filled: number;
}

const MEAN = "geometric mean";
const ROW_PX = 9.5;
/** Above and below the rows of a case. */
const MARGIN_ROWS = 0.8;
/** A row without dots, where the name of the case stands. */
const NAME_ROW = "";
const AXIS_PX = 54;

/** Beyond this an interval is cut: one that says nothing would leave no room for those that do. */
const FURTHEST = 1000;

function pointsOf({ suite, allocators, of }: SuiteRows): Point[] {
  const point = (
    name: string,
    series: string,
    ratio: { median: number; low: number | null; high: number | null },
    different: boolean,
  ): Point => ({
    of: name,
    series,
    at: ratio.median,
    low: ratio.low ?? ratio.median,
    high: ratio.high ?? ratio.median,
    filled: different ? 1 : 0,
  });
  const ofCases = suite.cases.flatMap((trace) =>
    allocators.flatMap((allocator) => {
      const warm = of(trace, allocator)?.warm;
      return warm === undefined
        ? []
        : [point(shortName(suite, trace), allocator, warm.ratio, warm.different)];
    }),
  );
  const means = suite.means
    .filter(({ metric, net, allocator }) => metric === "warm" && net && allocators.includes(allocator))
    .map(({ allocator, ratio }) => point(MEAN, allocator, ratio, isDifference(ratio, 0)));
  return [...ofCases, ...means].filter(({ at }) => at > 0 && Number.isFinite(at));
}

/** From the least to the most that is worth the room. */
function domainOf(points: readonly Point[]): [number, number] {
  const middles = points.map(({ at }) => at);
  const least = Math.max(
    Math.min(...points.map(({ low }) => low)),
    Math.min(1, ...middles) / 4,
    1 / FURTHEST,
  );
  const most = Math.min(Math.max(...points.map(({ high }) => high)), Math.max(1, ...middles) * 4);
  return [Math.min(0.8, least * 0.94), Math.max(1.25, most * 1.06)];
}

/**
 * The time of each allocator against the baseline's, a band for each case and one for their mean, a dot with its interval for
 * each allocator. Undefined where nothing could be compared.
 */
export async function suiteChart(
  charts: Charts,
  rows: SuiteRows,
  styleOf: SeriesStyles,
  label: string,
): Promise<Markup | undefined> {
  const points = pointsOf(rows);
  if (points.length === 0) return undefined;
  const cases = [...new Set(points.map((each) => each.of))];
  const styles = rows.allocators.map(styleOf);
  const [low, high] = domainOf(points);
  const clamp = (value: number): number => Math.max(low, Math.min(high, value));
  const values = points.map((each) => ({
    ...each,
    at: clamp(each.at),
    low: clamp(each.low),
    high: clamp(each.high),
  }));
  const x = {
    field: "at",
    type: "quantitative",
    title: `time / time of ${rows.baseline} (ratio, log scale)`,
    scale: { type: "log", domain: [low, high], nice: false },
    axis: { values: logTicks(low, high), labelExpr: "format(datum.value, '~g') + '×'" },
  };
  const y = {
    field: "of",
    type: "nominal",
    title: null,
    sort: cases,
    scale: { domain: cases, paddingInner: 0, paddingOuter: 0 },
    axis: null,
  };
  const yOffset = {
    field: "series",
    type: "nominal",
    sort: [...rows.allocators],
    scale: { domain: [NAME_ROW, ...rows.allocators], paddingOuter: MARGIN_ROWS },
  };
  const stripes = cases.flatMap((name, at) =>
    name === MEAN
      ? [{ of: name, from: low, to: high, fill: "var(--gauge)" }]
      : at % 2 === 0
        ? [{ of: name, from: low, to: high, fill: "var(--code)" }]
        : [],
  );
  const layer: Spec[] = [
    {
      data: { values: stripes },
      mark: { type: "rect", opacity: 0.6 },
      encoding: { y, x: { ...x, field: "from" }, x2: { field: "to" }, color: { field: "fill", scale: null } },
    },
    {
      data: { values: [{ at: 1 }] },
      mark: { type: "rule", color: "var(--s-base)", strokeWidth: 1.5 },
      encoding: { x },
    },
    {
      data: { values },
      mark: { type: "rule", strokeWidth: 2.4, strokeCap: "round", opacity: 0.55 },
      encoding: {
        y,
        yOffset,
        x: { ...x, field: "low" },
        x2: { field: "high" },
        ...seriesChannels(styles, "color"),
      },
    },
    {
      data: { values },
      mark: { type: "point", filled: true, size: 44, opacity: 1, strokeWidth: 1.5 },
      encoding: { y, yOffset, x, ...seriesChannels(styles, "color", "shape") },
    },
    {
      data: { values: values.filter(({ filled }) => !filled) },
      mark: { type: "point", filled: true, size: 12, opacity: 1, color: "var(--card)" },
      encoding: { y, yOffset, x, ...seriesChannels(styles, "shape") },
    },
  ];
  // Names stand above their dots: at their left they would take a quarter of a telephone.
  layer.push({
    data: { values: cases.map((name) => ({ of: name, at: low })) },
    mark: { type: "text", align: "left", dx: 6, dy: 12, fontSize: 12, fontWeight: 600, color: "var(--ink)" },
    encoding: { y: { ...y, bandPosition: 0 }, x, text: { field: "of" } },
  });
  const height = AXIS_PX + cases.length * ROW_PX * (rows.allocators.length + 1 + 2 * MARGIN_ROWS);
  return charts.draw({ width: 860, height, layer }, label);
}
