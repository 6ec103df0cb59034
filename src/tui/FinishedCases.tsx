import { Text } from "ink";
import type { FinishedCase } from "../measure/measurement-progress.js";
import { formatRatio } from "../units.js";

const LEAST_CELL_COLUMNS = 8;
const GAP = 2;

/** What came out of the last cases, a column an allocator; the last ones that fit. */
export function FinishedCases({
  cases,
  baseline,
  columns,
  lines,
}: {
  readonly cases: readonly FinishedCase[];
  readonly baseline: string;
  readonly columns: number;
  /** Titles included. */
  readonly lines: number;
}): React.JSX.Element {
  const shown = cases.slice(-Math.max(1, lines - 1));
  const known = shown.flatMap(({ ratios }) => ratios.filter(({ ratio }) => ratio !== undefined));
  const allocators = [...new Set(known.map(({ allocator }) => allocator))];
  const others = allocators.filter((allocator) => allocator !== baseline);
  const widths = others.map((allocator) => GAP + Math.max(LEAST_CELL_COLUMNS, allocator.length));
  const wanted = Math.max(12, ...shown.map(({ name }) => name.length));
  const room = columns - widths.reduce((sum, width) => sum + width, 0);
  // A long name gives way to the figures: its suite first, which the header names.
  const name = Math.max(12, Math.min(wanted, room));
  const cut = (text: string): string => {
    const short = text.length <= name ? text : text.slice(text.lastIndexOf("/") + 1);
    return short.length <= name ? short.padEnd(name) : `${short.slice(0, name - 1)}…`;
  };
  const cells = (text: (allocator: string) => string): string =>
    others.map((allocator, column) => text(allocator).padStart(widths[column] ?? 0)).join("");
  return (
    <>
      <Text wrap="truncate" dimColor>
        {cut(`${cases.length} done`)}
        {cells((allocator) => allocator)}
      </Text>
      {shown.map((each) => (
        <Text key={each.name} wrap="truncate">
          {cut(each.name)}
          {cells((allocator) => {
            const ratio = each.ratios.find((one) => one.allocator === allocator)?.ratio;
            return ratio === undefined ? "–" : formatRatio(ratio.median);
          })}
        </Text>
      ))}
    </>
  );
}
