import { Box, Text, useInput } from "ink";
import type { ProgressRow, RunProgress } from "../measure/measurement-progress.js";
import { progressLine } from "../measure/measurement-progress.js";
import { formatBytes, formatRatio } from "../units.js";
import { ratioBar } from "./ratioBar.js";

export interface AppProps {
  /** What is going on; undefined before the first word of it. */
  readonly progress: RunProgress | undefined;
  /** Name of the row that the others are compared with. */
  readonly baseline: string;
  /** Size of the terminal, in characters. */
  readonly columns: number;
  readonly lines: number;
  /** The user pressed `q` or Ctrl-C. */
  readonly onQuit: () => void;
}

const BAR_COLUMNS = 41;

function state(row: ProgressRow): string {
  if (row.failed) return "failed";
  return row.verified === true ? "verified" : "";
}

function ratioText(row: ProgressRow, baseline: string): string {
  if (row.allocator === baseline) return "1× (baseline)";
  if (row.ratio === undefined) return "";
  const { median, low, high } = row.ratio;
  const ends = low === null || high === null ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return `${formatRatio(median)}${ends}`;
}

/** A line for each allocator: its ratio so far with the interval as a bar, memory at its peak. */
export function App({ progress, baseline, columns, lines, onQuit }: AppProps): React.JSX.Element {
  useInput((input, key) => {
    if (input === "q" || (key.ctrl && input === "c")) onQuit();
  });
  if (progress === undefined) return <Text>starting…</Text>;
  const nameColumns = Math.max(9, ...progress.rows.map((row) => row.allocator.length));
  const hasBar = columns >= nameColumns + BAR_COLUMNS + 48;
  // A frame as tall as the screen would wipe the scrollback.
  const shown = progress.rows.slice(0, Math.max(1, lines - 4));
  return (
    <Box flexDirection="column">
      <Text wrap="truncate" bold>
        {progressLine(progress)}
      </Text>
      {shown.map((row) => (
        <Text key={row.allocator} wrap="truncate" color={row.failed ? "red" : "white"}>
          {row.allocator === progress.allocator ? "▸ " : "  "}
          {row.allocator.padEnd(nameColumns)} {ratioText(row, baseline).padEnd(22)}
          {hasBar ? ` ${ratioBar(row.ratio, BAR_COLUMNS)} ` : " "}
          {row.peakBytes === undefined ? "".padStart(10) : formatBytes(row.peakBytes).padStart(10)}{" "}
          {state(row)}
        </Text>
      ))}
      <Text dimColor wrap="truncate">
        {hasBar ? `time against ${baseline} (bar: ¼× to 4×), ` : `time against ${baseline}, `}memory at the
        peak; q quits
      </Text>
    </Box>
  );
}
