import type { Distribution } from "../native.js";
import { sparkline } from "./sparkline.js";

/** The values of a chart, which has a column for each doubling: `64 B ▁▃█▂ 1.00 KiB`; an empty one has no columns. */
export interface Histogram {
  readonly from: string;
  readonly bars: string;
  readonly to: string;
}

/** A distribution as a column for each power of two, two wide where `width` has room. */
export function histogram(values: Distribution, format: (value: number) => string, width: number): Histogram {
  const first = values.byBitWidth.findIndex((count) => count > 0);
  if (first < 0) return { from: "", bars: "", to: "" };
  const counts = values.byBitWidth.slice(first);
  const wide = counts.length * 2 <= width;
  const drawn = wide ? counts.flatMap((count) => [count, count]) : counts;
  const line = [...sparkline(drawn, Math.max(1, width))];
  // What never occurs is told from what is rare.
  const bars = line.map((bar, at) => (drawn.length === line.length && drawn[at] === 0 ? " " : bar)).join("");
  return { from: format(values.min), bars, to: format(values.max) };
}

/** Several under one another: titles, ends and bars in columns, no line longer than `width`. */
export function histograms(
  rows: readonly { title: string; values: Distribution; format: (value: number) => string }[],
  width: number,
): string[] {
  const ends = rows.map(({ values, format }) => [format(values.min), format(values.max)] as const);
  const titleWidth = Math.max(...rows.map(({ title }) => title.length));
  const fromWidth = Math.max(...ends.map(([from]) => from.length));
  const toWidth = Math.max(...ends.map(([, to]) => to.length));
  const room = width - titleWidth - fromWidth - toWidth - 6;
  return rows.map(({ title, values, format }) => {
    const { from, bars, to } = histogram(values, format, room);
    return `  ${title.padEnd(titleWidth)}  ${from.padStart(fromWidth)} ${bars} ${to}`.trimEnd();
  });
}
