const LEVELS = "▁▂▃▄▅▆▇█";

/** Values as a row of blocks, the largest as a full one; more values than `width` are gathered, the largest of each group kept. */
export function sparkline(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length);
  const highest = Math.max(...values, 0);
  let line = "";
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const value = Math.max(...values.slice(from, Math.max(to, from + 1)));
    const level = highest === 0 ? 0 : Math.ceil((value / highest) * LEVELS.length) - 1;
    line += LEVELS[Math.max(level, 0)];
  }
  return line;
}
