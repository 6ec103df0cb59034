import { Box, Text, useInput } from "ink";
import type { RecordingTotals } from "../trace/recording.js";
import { formatBytes, formatCount, formatDuration } from "../units.js";
import { Chart } from "./Chart.js";
import { spanChart } from "./spanChart.js";
import type { WholeCourse } from "./wholeCourse.js";

export interface RecordAppProps {
  /** The program, and where its trace goes. */
  readonly title: string;
  /** Where the program writes, in the place of this terminal. */
  readonly outputPath: string;
  /** Undefined before the first word of the collector. */
  readonly totals: RecordingTotals | undefined;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** Resident memory, and events a second, by seconds; not React's. */
  readonly memory: WholeCourse;
  readonly pace: WholeCourse;
  readonly notices: readonly string[];
  /** Keys are ours: undefined where standard input is the program's. */
  readonly onQuit: (() => void) | undefined;
  readonly columns: number;
  readonly lines: number;
}

const LEAST_CHART_LINES = 4;
/** From here on events a second have a chart of their own, a third as tall. */
const LINES_FOR_BOTH = 24;

function Keys({ onQuit }: { readonly onQuit: () => void }): null {
  useInput((input, key) => {
    if (input === "q" || (key.ctrl && input === "c")) onQuit();
  });
  return null;
}

function figures({ totals, eventsPerSecond }: RecordAppProps): string {
  if (totals === undefined) return "starting…";
  const { events, bytes, dropped, processes, alive, recording } = totals;
  const parts = [
    `${formatCount(events)} events, ${formatCount(eventsPerSecond)}/s`,
    formatBytes(bytes),
    `${formatCount(dropped)} lost`,
    processes > 1 ? `${alive} of ${processes} processes alive` : "",
    recording ? "" : "not recording now",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function Course({
  caption,
  course,
  seconds,
  columns,
  lines,
  format,
}: {
  readonly caption: string;
  readonly course: WholeCourse;
  readonly seconds: number;
  readonly columns: number;
  /** The caption included. */
  readonly lines: number;
  readonly format: (value: number) => string;
}): React.JSX.Element {
  const { count, xAt, yAt, highest } = course;
  const rows = spanChart([{ kind: "series", filled: true, count, x: xAt, value: yAt }], {
    ...{ columns, lines: lines - 1, from: 0, to: seconds, high: highest * 1.02, format },
    ...{ fromText: "0", toText: formatDuration(seconds * 1e9) },
  });
  return (
    <>
      <Text wrap="truncate">{caption}</Text>
      <Chart rows={rows} />
    </>
  );
}

/** A recording under way: what came so far, memory of the program and its events a second over time. */
export function RecordApp(props: RecordAppProps): React.JSX.Element {
  const { title, outputPath, totals, seconds, memory, pace, notices, onQuit, columns, lines } = props;
  const most = Math.max(1, lines - 1);
  const shown = most > 8 ? notices.slice(-3) : [];
  const room = most - 3 - shown.length;
  const paceLines = room >= LINES_FOR_BOTH ? Math.floor(room / 3) : 0;
  const memoryLines = room - paceLines;
  const now = formatBytes(totals?.residentBytes ?? 0);
  const course = { seconds, columns };
  return (
    <Box flexDirection="column">
      {onQuit !== undefined && <Keys onQuit={onQuit} />}
      <Text wrap="truncate" bold>
        {`recording ${title}, ${formatDuration(seconds * 1e9)}`}
      </Text>
      {most > 1 && (
        <Text wrap="truncate" {...((totals?.dropped ?? 0) > 0 ? { color: "red" } : {})}>
          {figures(props)}
        </Text>
      )}
      {memoryLines > LEAST_CHART_LINES && (
        <Course
          {...{ ...course, course: memory, lines: memoryLines, format: formatBytes }}
          caption={`resident memory: ${now}, at most ${formatBytes(memory.highest)}`}
        />
      )}
      {paceLines > LEAST_CHART_LINES && (
        <Course
          {...{ ...course, course: pace, lines: paceLines, format: formatCount }}
          caption="events a second"
        />
      )}
      {shown.map((notice) => (
        <Text key={notice} wrap="truncate" color="magenta">
          {notice}
        </Text>
      ))}
      {most > 2 && (
        <Text wrap="truncate" dimColor>
          {`${onQuit === undefined ? "Ctrl-C ends" : "q or Ctrl-C ends"} the program, which writes to ${outputPath}`}
        </Text>
      )}
    </Box>
  );
}
