import type { PressureState } from "../native/pressure.js";
import { formatBytes, formatPercent } from "../units.js";
import { AXIS_COLUMNS, Bitmap, brailleOf, type ChartRun, RunLine } from "./bitmap.js";
import type { SeriesRing } from "./seriesRing.js";

export interface ChartOptions {
  /** Of the whole chart, axes included. */
  readonly columns: number;
  /** The last one is the axis of times. */
  readonly lines: number;
  readonly pastS: number;
  /** Samples further apart than this are not joined. */
  readonly gapS: number;
}

/** Of the columns, to the right of now: its scale of times is its own. */
const FUTURE_SHARE = 0.3;

interface Scale {
  readonly low: number;
  readonly high: number;
}

/**
 * From the limit down where usage is anywhere near it; else as close as the past lies. An interval is cut off where it would press
 * the past flat, or above the limit, where nothing matters.
 */
export function chartScale(past: readonly number[], state: PressureState): Scale {
  const low = Math.min(...past, state.usedBytes);
  const high = Math.max(...past, state.usedBytes);
  const { limitBytes, horizons } = state;
  const ahead = Math.max(high, ...horizons.map(({ usedBytes }) => usedBytes));
  if (limitBytes !== null && ahead >= limitBytes / 2) {
    const floor = low < limitBytes / 2 ? 0 : limitBytes / 2;
    return { low: floor, high: Math.max(limitBytes * 1.02, high * 1.02) };
  }
  const span = Math.max(high - low, 0.02 * high, 1024 * 1024);
  const lowest = Math.min(low, ...horizons.map(({ lowBytes }) => lowBytes));
  const highest = Math.max(high, ...horizons.map(({ highBytes }) => highBytes));
  const least = Math.max(0, low - 1.5 * span);
  const bottom = Math.max(least, lowest - 0.15 * span);
  return { low: Math.min(bottom, low), high: Math.min(highest + 0.15 * span, high + 1.5 * span) };
}

/** Usage of the past as a line, the forecast with its interval to the right of now, thresholds and limit across. */
export function usageChart(ring: SeriesRing, state: PressureState, options: ChartOptions): ChartRun[][] {
  const columns = Math.max(8, options.columns - AXIS_COLUMNS - 1);
  const lines = Math.max(1, options.lines - 1);
  const futureColumns = state.horizons.length === 0 ? 0 : Math.floor(columns * FUTURE_SHARE);
  const pastColumns = columns - futureColumns;
  const fromS = state.timeS - options.pastS;
  const past = ring.since(fromS);
  const scale = chartScale(
    past.map(({ value }) => value),
    state,
  );
  const y = (value: number): number =>
    Math.round((1 - (value - scale.low) / (scale.high - scale.low)) * (4 * lines - 1));

  const series = new Bitmap(columns, lines);
  const pastX = (timeS: number): number =>
    Math.round(((timeS - fromS) / options.pastS) * (2 * pastColumns - 1));
  for (const [index, { timeS, value }] of past.entries()) {
    const before = past[index - 1];
    const joined = before !== undefined && timeS - before.timeS <= options.gapS;
    const from = joined ? before : { timeS, value };
    if (pastX(timeS) < 0) continue;
    series.line(pastX(from.timeS), y(from.value), pastX(timeS), y(value));
  }

  const forecast = new Bitmap(columns, lines);
  const interval = new Bitmap(columns, lines);
  const lastS = state.horizons.at(-1)?.horizonS ?? 1;
  const futureX = (horizonS: number): number =>
    2 * pastColumns + Math.round((horizonS / lastS) * (2 * futureColumns - 1));
  let at = {
    x: 2 * pastColumns,
    middle: y(state.usedBytes),
    low: y(state.usedBytes),
    high: y(state.usedBytes),
  };
  for (const each of state.horizons) {
    const next = {
      x: futureX(each.horizonS),
      middle: y(each.usedBytes),
      low: y(each.lowBytes),
      high: y(each.highBytes),
    };
    forecast.line(at.x, at.middle, next.x, next.middle);
    interval.line(at.x, at.low, next.x, next.low);
    interval.line(at.x, at.high, next.x, next.high);
    at = next;
  }

  const across = linesAcross(state, scale, lines, y);
  const rows: ChartRun[][] = [];
  for (let line = 0; line < lines; line += 1) {
    const row = new RunLine();
    row.put("axis", `${axisLabel(line, lines, scale, across).padStart(AXIS_COLUMNS)} `);
    for (let column = 0; column < columns; column += 1) {
      const bits = [series, forecast, interval].map((map) => map.at(column, line));
      const all = bits.reduce((sum, each) => sum | each, 0);
      const rule = across.get(line);
      if (all !== 0) {
        const kind = bits[0] ? "series" : bits[1] ? "forecast" : "interval";
        row.put(kind, brailleOf(all));
      } else if (rule !== undefined) row.put(rule.kind, rule.kind === "limit" ? "━" : "┄");
      else if (column === pastColumns && futureColumns > 0) row.put("now", "┆");
      else row.put("blank", " ");
    }
    rows.push(row.runs);
  }
  rows.push([{ kind: "axis", text: timeAxis(options.pastS, lastS, pastColumns, futureColumns) }]);
  return rows;
}

interface Rule {
  readonly kind: "limit" | "threshold";
  readonly label: string;
}

/** Thresholds and limit by the line they lie on; of two on one line the upper one. */
function linesAcross(
  state: PressureState,
  scale: Scale,
  lines: number,
  y: (value: number) => number,
): Map<number, Rule> {
  const across = new Map<number, Rule>();
  const { limitBytes, thresholds } = state;
  if (limitBytes === null) return across;
  const put = (share: number, rule: Rule): void => {
    const value = share * limitBytes;
    const line = y(value) >> 2;
    if (value >= scale.low && value <= scale.high && line < lines) across.set(line, rule);
  };
  for (const share of thresholds) put(share, { kind: "threshold", label: formatPercent(share) });
  put(1, { kind: "limit", label: "limit" });
  return across;
}

function axisLabel(line: number, lines: number, { low, high }: Scale, across: Map<number, Rule>): string {
  const rule = across.get(line);
  if (rule !== undefined) return rule.label;
  if (line === 0) return formatBytes(high);
  if (line === lines - 1) return formatBytes(low);
  // Between them now and then, where no threshold stands nearby.
  const near = across.has(line - 1) || across.has(line + 1);
  if (near || line % 5 !== 0 || line > lines - 3) return "";
  return formatBytes(high - ((line + 0.5) / lines) * (high - low));
}

const span = (seconds: number): string =>
  seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`;

function timeAxis(pastS: number, futureS: number, pastColumns: number, futureColumns: number): string {
  const start = `−${span(pastS)}`;
  const left = " ".repeat(AXIS_COLUMNS + 1) + start;
  const now = `${left.padEnd(AXIS_COLUMNS + 1 + Math.max(start.length + 1, pastColumns - 3))}now`;
  if (futureColumns === 0) return now;
  const end = `+${span(futureS)}`;
  return now.padEnd(AXIS_COLUMNS + 1 + pastColumns + futureColumns - end.length) + end;
}
