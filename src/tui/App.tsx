import { Box, Text, useInput } from "ink";
import { type ProgressRow, type RunProgress, stepText } from "../measure/measurement-progress.js";
import { AllocatorRows } from "./AllocatorRows.js";
import { FinishedCases } from "./FinishedCases.js";
import { Header, headerLines } from "./Header.js";
import { LatencyPanel, latencyLines } from "./LatencyPanel.js";
import { hasMemory, LEAST_MEMORY_LINES, MemoryPanel } from "./MemoryPanel.js";
import { Fan } from "./Outlook.js";
import type { ViewKey } from "./viewState.js";

export interface AppProps {
  /** What is going on; undefined before the first word of it. */
  readonly progress: RunProgress | undefined;
  /** Name of the row that the others are compared with. */
  readonly baseline: string;
  /** The allocator that was picked, or is followed. */
  readonly shown: ProgressRow | undefined;
  readonly help: boolean;
  /** Size of the terminal, in characters. */
  readonly columns: number;
  readonly lines: number;
  readonly onKey: (key: ViewKey) => void;
  /** The user pressed `q` or Ctrl-C. */
  readonly onQuit: () => void;
}

const LEAST_FAN_LINES = 5;
/** A chart is worth so much when cases are listed below it. */
const CHART_BESIDE_CASES = 12;
/** With so many lines, some are left empty between the panels. */
const LINES_FOR_GAPS = 40;
/** With more room than this, latencies of every kind of call are shown. */
const ROOMY_LINES = 20;

const HELP = [
  "q or Ctrl-C quits; ↑ ↓ or k j pick an allocator, f follows the one at work; h hides this",
  "bar: interval of the ratio, ¼× to 4×; times are net of the loop; keys count between timed rounds",
];

/** How the lines between the rows and the keys are shared out. */
function share(progress: RunProgress, shown: ProgressRow | undefined, room: number) {
  const looksAhead = progress.phase === "memory" || progress.phase === "relief";
  const fan = looksAhead && shown?.outlook !== undefined ? shown.outlook : undefined;
  const charted = shown !== undefined && (fan !== undefined || hasMemory(progress));
  const done = progress.finished?.length ?? 0;
  const beside = charted && room >= 2 * CHART_BESIDE_CASES ? CHART_BESIDE_CASES : 0;
  const cases = done === 0 ? 0 : Math.max(0, Math.min(done + 1, room - beside));
  const latency = shown !== undefined && room - cases > ROOMY_LINES ? latencyLines(shown) : 0;
  const chart = room - cases - latency;
  const least = fan === undefined ? LEAST_MEMORY_LINES : LEAST_FAN_LINES;
  return { fan, cases, latency, chart: charted && chart >= least ? chart : 0 };
}

/** A run through allocators: what it does, a row for each of them, memory of one of them over the trace, cases that are done. */
export function App(props: AppProps): React.JSX.Element {
  const { progress, baseline, shown, help, columns, lines, onKey, onQuit } = props;
  useInput((input, key) => {
    if (input === "q" || (key.ctrl && input === "c")) onQuit();
    else if (key.upArrow || input === "k") onKey("up");
    else if (key.downArrow || input === "j") onKey("down");
    else if (key.escape || input === "f") onKey("follow");
    else if (input === "h" || input === "?") onKey("help");
  });
  if (progress === undefined) return <Text>starting…</Text>;
  // A frame as tall as the screen would wipe the scrollback.
  const most = Math.max(1, lines - 1);
  const keys = help ? HELP : ["q quits, ↑↓ pick an allocator, h help"];
  const left = most - headerLines(progress) - keys.length;
  if (most < headerLines(progress)) return <Text wrap="truncate">{stepText(progress)}</Text>;
  if (left < 2) return <Header progress={progress} columns={columns} />;
  const rowLines = progress.rows.length === 0 ? 0 : Math.min(progress.rows.length + 1, left);
  const gap = lines >= LINES_FOR_GAPS ? 1 : 0;
  const { fan, cases, latency, chart } = share(progress, shown, left - rowLines - 3 * gap);
  const empty = gap > 0 && <Text> </Text>;
  return (
    <Box flexDirection="column">
      <Header progress={progress} columns={columns} />
      {empty}
      {rowLines > 0 && (
        <AllocatorRows
          {...{ baseline, columns, rows: progress.rows, lines: rowLines }}
          {...{ atWork: progress.allocator, shown: shown?.allocator }}
        />
      )}
      {rowLines > 0 && empty}
      {chart > 0 && shown !== undefined && fan === undefined && (
        <MemoryPanel row={shown} progress={progress} columns={columns} lines={chart} />
      )}
      {chart > 0 && fan !== undefined && <Fan outlook={fan} columns={columns} lines={chart} />}
      {latency > 0 && shown !== undefined && <LatencyPanel row={shown} />}
      {cases > 1 && progress.finished !== undefined && (
        <FinishedCases cases={progress.finished} baseline={baseline} columns={columns} lines={cases} />
      )}
      {chart + latency + cases > 0 && empty}
      {keys.map((line) => (
        <Text key={line} dimColor wrap="truncate">
          {line}
        </Text>
      ))}
    </Box>
  );
}
