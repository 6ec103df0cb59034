import type { Ratio } from "../measure/measurement.js";

/** Both ends of the scale, in octaves from 1×: ¼× to 4×. */
const OCTAVES = 2;

/** An interval on a logarithmic scale: `─────━━●━━──┼─────`. What lies beyond the scale sticks to its end. */
export function ratioBar(ratio: Ratio | undefined, columns: number): string {
  const middle = (columns - 1) / 2;
  const column = (value: number): number => {
    const place = middle + (Math.log2(value) / OCTAVES) * middle;
    return Math.min(columns - 1, Math.max(0, Math.round(place)));
  };
  const cells = new Array<string>(columns).fill("─");
  cells[Math.round(middle)] = "┼";
  if (ratio === undefined) return cells.join("");
  if (ratio.low !== null && ratio.high !== null) cells.fill("━", column(ratio.low), column(ratio.high) + 1);
  cells[column(ratio.median)] = "●";
  return cells.join("");
}
