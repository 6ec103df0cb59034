import { Box, Text, useInput } from "ink";
import type { Outlook, ProgressRow, RunProgress } from "../measure/measurement-progress.js";
import { progressLine } from "../measure/measurement-progress.js";
import { LEVEL_COLOURS, timeToCriticalText } from "../pressure/live/wording.js";
import { formatBytes, formatDuration, formatPercent, formatRatio } from "../units.js";
import { Chart } from "./Chart.js";
import { ratioBar } from "./ratioBar.js";
import { SeriesRing } from "./seriesRing.js";
import { usageChart } from "./usageChart.js";

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

/** `82 % of 700 MiB, critical in 40 s–9m`. */
function Warned({ outlook }: { readonly outlook: Outlook }): React.JSX.Element {
  const { state, ranOut } = outlook;
  const { limitBytes, usedBytes, level, timeS } = state;
  if (limitBytes === null) return <Text dimColor>{formatBytes(usedBytes)}, no limit</Text>;
  const colours = LEVEL_COLOURS[ranOut ? "emergency" : level];
  const badge = colours === null ? {} : { backgroundColor: colours.background, color: colours.text };
  const after = `after ${formatDuration(timeS * 1e9)}`;
  return (
    <Text>
      <Text {...badge}>{ranOut ? ` RAN OUT ${after} ` : ` ${level} `}</Text>
      {ranOut
        ? ""
        : ` ${formatPercent(usedBytes / limitBytes)} ${after}, critical ${timeToCriticalText(state)}`}
    </Text>
  );
}

const FAN_LINES = 9;
const LEAST_FAN_LINES = 5;

/** Memory of the allocator at work over the time of the trace, and what is forecast. */
function Fan({
  outlook: { state, recent },
  columns,
  lines,
}: {
  readonly outlook: Outlook;
  readonly columns: number;
  readonly lines: number;
}): React.JSX.Element {
  const ring = new SeriesRing(Math.max(1, recent.length));
  for (const { timeS, value } of recent) ring.push(timeS, value);
  const pastS = Math.max(60, state.timeS - (recent[0]?.timeS ?? state.timeS));
  return <Chart rows={usageChart(ring, state, { columns, lines, pastS, gapS: pastS })} />;
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
  const looksAhead = progress.phase === "memory" || progress.phase === "relief";
  const outlook = looksAhead
    ? progress.rows.find((row) => row.allocator === progress.allocator)?.outlook
    : undefined;
  const fanLines = Math.min(FAN_LINES, lines - 4 - shown.length);
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
          {state(row)} {row.outlook === undefined ? "" : <Warned outlook={row.outlook} />}
        </Text>
      ))}
      {outlook !== undefined && fanLines >= LEAST_FAN_LINES && (
        <Fan outlook={outlook} columns={columns} lines={fanLines} />
      )}
      <Text dimColor wrap="truncate">
        {hasBar ? `time against ${baseline} (bar: ¼× to 4×), ` : `time against ${baseline}, `}memory at the
        peak; q quits
      </Text>
    </Box>
  );
}
