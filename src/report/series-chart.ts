import type { SeriesChart } from "../pressure/backtest.js";
import { formatBytes, formatDuration } from "../units.js";

const LEVELS = " ▁▂▃▄▅▆▇█";
const ROWS = 6;

/** The highest usage of equal spans of time as columns; null where nothing was read. */
function columnsOf({ highBytes }: SeriesChart, width: number): (number | null)[] {
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * highBytes.length) / width);
    const to = Math.max(from + 1, Math.floor(((column + 1) * highBytes.length) / width));
    const values = highBytes.slice(from, to).filter((value) => value !== null);
    return values.length === 0 ? null : Math.max(...values);
  });
}

/**
 * Usage over time, six lines high, its axis on the left; `┄` is the limit, where it is in sight. `outS`: when it was reached.
 */
export function seriesChart(
  chart: SeriesChart,
  limitBytes: number | null,
  outS: number | null,
  width: number,
): string[] {
  const most = Math.max(...chart.highBytes.filter((value) => value !== null), 0);
  const inSight = limitBytes !== null && limitBytes <= 2 * most;
  const top = Math.max(most, inSight ? limitBytes : 0) * 1.02 || 1;
  const labels = Array.from({ length: ROWS }, (_, row) =>
    row % 2 === 0 ? formatBytes((top * (ROWS - row)) / ROWS) : "",
  );
  const margin = Math.max(...labels.map((label) => label.length));
  const columns = columnsOf(chart, Math.max(10, width - margin - 4));
  const limitRow = inSight ? ROWS - 1 - Math.min(ROWS - 1, Math.floor((limitBytes / top) * ROWS)) : -1;
  const lines = labels.map((label, row) => {
    const cells = columns.map((value) => {
      const height = value === null ? 0 : (value / top) * ROWS - (ROWS - 1 - row);
      const eighths = Math.max(0, Math.min(8, Math.round(height * 8)));
      return eighths === 0 && row === limitRow ? "┄" : (LEVELS[eighths] as string);
    });
    return `  ${label.padStart(margin)} ┤${cells.join("")}`;
  });
  const outColumn = outS === null ? -1 : Math.floor((outS / chart.spanS) * (columns.length - 1));
  const axis = columns.map((_, column) => (column === outColumn ? "✗" : "─")).join("");
  return [...lines, `  ${"0".padStart(margin)} └${axis} ${formatDuration(chart.spanS * 1e9)}`];
}
