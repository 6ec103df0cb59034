import type { Distribution } from "../native.js";
import { sparkline } from "./sparkline.js";

/** A distribution and how its values are written. */
export interface Histogram {
  readonly title: string;
  readonly values: Distribution;
  readonly format: (value: number) => string;
}

const doublings = ({ byBitWidth }: Distribution): readonly number[] =>
  byBitWidth.slice(
    Math.max(
      0,
      byBitWidth.findIndex((count) => count > 0),
    ),
  );

/** A column for each power of two, `repeat` wide; what never occurs is left empty, and so told from what is rare. */
function bars(counts: readonly number[], repeat: number): string {
  const line = [...sparkline(counts, counts.length)];
  return line.map((bar, at) => (counts[at] === 0 ? " " : bar).repeat(repeat)).join("");
}

/** Charts under one another, each between its least and its largest value; lines are at most `width` long where that can be. */
export function histograms(rows: readonly Histogram[], width: number): string[] {
  const ends = rows.map(({ values, format }) => [format(values.min), format(values.max)] as const);
  const titleWidth = Math.max(...rows.map(({ title }) => title.length));
  const fromWidth = Math.max(...ends.map(([from]) => from.length));
  const toWidth = Math.max(...ends.map(([, to]) => to.length));
  const columns = Math.max(...rows.map(({ values }) => doublings(values).length));
  const repeat = titleWidth + fromWidth + toWidth + 6 + 2 * columns <= width ? 2 : 1;
  return rows.map(({ title, values }, at) => {
    const [from, to] = ends[at] ?? ["", ""];
    return `  ${title.padEnd(titleWidth)}  ${from.padStart(fromWidth)} ${bars(doublings(values), repeat)} ${to}`;
  });
}
