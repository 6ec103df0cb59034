import { Text } from "ink";
import type { CellKind, ChartRun } from "./bitmap.js";

type Style = { color?: string; dimColor?: boolean; bold?: boolean };

// The series in the terminal's own colour, and no yellow or white letters: the background may be either.
const CELLS: Readonly<Record<CellKind, Style>> = {
  axis: { dimColor: true },
  blank: {},
  series: { bold: true },
  live: { color: "cyan" },
  forecast: { color: "cyan", bold: true },
  interval: { color: "cyan" },
  threshold: { color: "magenta" },
  limit: { color: "red" },
  now: { dimColor: true },
};

/** The rows of a chart, in colours. */
export function Chart({ rows }: { readonly rows: readonly ChartRun[][] }): React.JSX.Element {
  return (
    <Text wrap="truncate">
      {rows.map((runs, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the chart is known by where it stands
        <Text key={line}>
          {runs.map(({ kind, text }, run) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: and so is a run of cells in it
            <Text key={run} {...CELLS[kind]}>
              {text}
            </Text>
          ))}
          {line < rows.length - 1 ? "\n" : ""}
        </Text>
      ))}
    </Text>
  );
}
