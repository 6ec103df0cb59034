import type { ResultFile, TraceResult } from "../../measure/measurement.js";
import type { ForecastResult } from "../../measure/measurement-forecast.js";
import { formatBytes, formatDuration } from "../../units.js";
import { forecastAnswer, forecastNotes, forecastsOf, forecastTables } from "../replay-forecast.js";
import type { Charts, Spec } from "./chart.js";
import { figure, figures, table } from "./figure.js";
import { html, type Markup, type Part } from "./markup.js";
import { legend, patch, type SeriesStyles } from "./palette.js";
import { byteUnit, secondUnit } from "./scales.js";

const LEVELS = ["normal", "warning", "high", "critical", "emergency"] as const;
const LEVEL_COLOURS = LEVELS.map((level) => `var(--level-${level})`);

const seconds = (value: number): string => formatDuration(value * 1e9);

/** A limit far above all usage would leave no room for what is shown. */
const limitInSight = ({ limitBytes, peakBytes }: ForecastResult): boolean =>
  limitBytes !== null && limitBytes <= 3 * peakBytes;

/** Usage over the trace's time, the limit, and what was forecast as each level was entered. */
async function fanFigure(
  charts: Charts,
  allocator: string,
  forecast: ForecastResult,
  styleOf: SeriesStyles,
): Promise<Markup> {
  const { chart, spanS, limitBytes, outS, entries, peakBytes } = forecast;
  const inSight = limitBytes !== null && limitInSight(forecast);
  const unit = byteUnit(inSight ? Math.max(limitBytes, peakBytes) : peakBytes);
  const time = secondUnit(spanS);
  const style = styleOf(allocator);
  const over = (values: readonly (number | null)[]): object[] =>
    values.flatMap((value, at) =>
      value === null
        ? []
        : [{ at: ((at + 0.5) * spanS) / values.length / time.per, value: value / unit.per }],
    );
  const top = (Math.max(peakBytes, inSight ? limitBytes : 0) * 1.15) / unit.per;
  const cut = (bytes: number): number => Math.max(0, Math.min(top, bytes / unit.per));
  const fans = entries.flatMap(({ level, atS, usedBytes, horizons }) =>
    horizons.length === 0
      ? []
      : [
          { level, at: atS / time.per, used: cut(usedBytes), low: cut(usedBytes), high: cut(usedBytes) },
          ...horizons.map((each) => ({
            level,
            at: (atS + each.horizonS) / time.per,
            used: cut(each.usedBytes),
            low: cut(each.lowBytes),
            high: cut(each.highBytes),
          })),
        ],
  );
  const right = Math.max(spanS / time.per, ...fans.map(({ at }) => at));
  const x = {
    field: "at",
    type: "quantitative",
    title: `time of the trace (${time.name})`,
    scale: { domain: [0, right], nice: false },
    axis: { grid: false },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: `memory (${unit.name})`,
    scale: { domain: [0, top], nice: false },
  };
  const colour = {
    field: "level",
    type: "nominal",
    legend: null,
    scale: { domain: [...LEVELS], range: LEVEL_COLOURS },
  };
  const layer: Spec[] = [
    {
      data: { values: over(chart.liveBytes) },
      mark: { type: "area", color: "var(--live)" },
      encoding: { x, y },
    },
    {
      data: { values: fans },
      mark: { type: "area", opacity: 0.22 },
      encoding: {
        x,
        y: { ...y, field: "low" },
        y2: { field: "high" },
        color: colour,
        detail: { field: "level" },
      },
    },
    {
      data: { values: fans },
      mark: { type: "line", strokeDash: [3, 2], strokeWidth: 1.4 },
      encoding: { x, y: { ...y, field: "used" }, color: colour, detail: { field: "level" } },
    },
    {
      data: { values: over(chart.usedBytes) },
      mark: { type: "line", strokeWidth: 2, color: style.colour },
      encoding: { x, y },
    },
    ...(inSight
      ? [
          {
            data: { values: [{ value: limitBytes / unit.per }] },
            mark: { type: "rule", color: "var(--level-critical)", strokeDash: [6, 4], strokeWidth: 1.4 },
            encoding: { y },
          },
        ]
      : []),
    {
      data: {
        values: entries.map(({ level, atS, usedBytes }) => ({
          level,
          at: atS / time.per,
          value: cut(usedBytes),
        })),
      },
      mark: { type: "point", filled: true, size: 70, opacity: 1, stroke: "var(--page)", strokeWidth: 1.2 },
      encoding: { x, y, color: colour },
    },
  ];
  const limit = limitBytes === null ? "no limit was given" : `the limit is ${formatBytes(limitBytes)}`;
  const summary =
    `${formatBytes(peakBytes)} at the most, ${limit}` +
    `${limitBytes !== null && !inSight ? ", far above this chart" : ""}; ` +
    (limitBytes === null
      ? "so there are no levels."
      : outS === null
        ? "memory never runs out."
        : `memory runs out after ${seconds(outS)}.`);
  const title = `Early warning with ${allocator}`;
  return figure({
    title,
    summary,
    chart: await charts.draw({ width: 380, height: 250, layer }, `${title}. ${summary}`),
    data: {
      columns: ["level", "entered", "times", "memory then", "forecast of 60 s, with its 90 % interval"],
      align: ["left", "right", "right", "right", "right"],
      rows: entries.map(({ level, atS, times, usedBytes, horizons }) => {
        const minute = horizons.find(({ horizonS }) => horizonS === 60);
        return [
          level,
          seconds(atS),
          String(times),
          formatBytes(usedBytes),
          minute === undefined
            ? "–"
            : `${formatBytes(minute.usedBytes)} [${formatBytes(minute.lowBytes)}, ${formatBytes(minute.highBytes)}]`,
        ];
      }),
    },
  });
}

/** Of all fans: allocators, levels that any of them entered, and the limit where one comes near it. */
function fanLegend(all: ReturnType<typeof forecastsOf>, styleOf: SeriesStyles): Markup {
  const entered = LEVELS.filter((level) =>
    all.some(({ forecast }) => forecast.entries.some((entry) => entry.level === level)),
  );
  return legend(
    all.map(({ allocator }) => styleOf(allocator)),
    [
      patch("var(--live)", "live"),
      ...entered.map((level) => patch(`var(--level-${level})`, `${level}, and its forecast`)),
      ...(all.some(({ forecast }) => limitInSight(forecast))
        ? [patch("var(--level-critical)", "limit (dashed)")]
        : []),
    ],
  );
}

/** What the early warning makes of a replay; nothing where nobody asked to look ahead. */
export async function forecastPart(
  charts: Charts,
  file: ResultFile,
  trace: TraceResult,
  styleOf: SeriesStyles,
  id: string,
): Promise<Part> {
  const all = forecastsOf(file, trace);
  if (all.length === 0) return undefined;
  const fans: Markup[] = [];
  for (const { allocator, forecast } of all) {
    fans.push(await fanFigure(charts, allocator, forecast, styleOf));
  }
  const tables = forecastTables(all).map(
    ({ title, columns, align, rows, about }) =>
      html`<h4>${title}</h4>${table({ label: title, columns, align, rows })}<p class="note">${about}</p>`,
  );
  const notes = forecastNotes(all).map((note) => html`<p class="note">${note}</p>`);
  return html`<h3 id="${id}">The early warning</h3><p>${forecastAnswer(all)}</p>${fanLegend(all, styleOf)}${figures(fans)}${tables}${notes}`;
}
