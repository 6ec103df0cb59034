import { Box, Text, useInput } from "ink";
import type { PressureState } from "../native/pressure.js";
import type { Happening } from "../pressure/live/watcher.js";
import {
  forecastText,
  LEVEL_COLOURS,
  rateText,
  reasonText,
  skillText,
  timeToCriticalText,
} from "../pressure/live/wording.js";
import { formatBytes, formatDuration, formatPercent } from "../units.js";
import { Chart } from "./Chart.js";
import type { SeriesRing } from "./seriesRing.js";
import { usageChart } from "./usageChart.js";

export interface WatchAppProps {
  /** What is watched. */
  readonly title: string;
  readonly model: string;
  readonly intervalS: number;
  /** Undefined before the first sample. */
  readonly state: PressureState | undefined;
  /** Usage so far; not React's. */
  readonly ring: SeriesRing;
  /** Latest last. */
  readonly happenings: readonly Happening[];
  /** Size of the terminal, in characters. */
  readonly columns: number;
  readonly lines: number;
  /** The user pressed `q` or Ctrl-C. */
  readonly onQuit: () => void;
}

/** Windows of the chart, in samples: it shows the smallest that holds all there is, or the last one. */
const WINDOWS = [60, 120, 300];
/** Lines beside the chart: title, usage, three forecasts, outlook, level, keys. */
const FIXED_LINES = 8;
const LEAST_CHART_LINES = 4;

/** A terminal narrower than this shows what is to be expected, but not the highest on the way. */
const COLUMNS_FOR_HIGHEST = 100;

function forecastLines({ horizons }: PressureState, columns: number): string[] {
  if (horizons.length === 0) return ["the first forecast takes a quarter of a minute", "", ""];
  const rows = horizons.map((each) => {
    const chance = each.crossingChance;
    const highest = columns < COLUMNS_FOR_HIGHEST ? "" : `highest ${formatBytes(each.highestBytes)}`;
    const limit = chance === null ? "" : `limit: ${formatPercent(chance)}`;
    return [`in ${String(each.horizonS).padStart(3)} s`, forecastText(each), highest, limit, skillText(each)];
  });
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .filter((text) => text !== "")
      .join("  "),
  );
}

/** A text each: Ink cuts a text of several lines as if it were one. */
function Lines({ texts }: { readonly texts: readonly string[] }): React.JSX.Element {
  return (
    <Box flexDirection="column">
      {texts.map((text, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by where it stands
        <Text key={line} wrap="truncate">
          {text || " "}
        </Text>
      ))}
    </Box>
  );
}

function Level({ state }: { readonly state: PressureState }): React.JSX.Element {
  const colours = LEVEL_COLOURS[state.level];
  const badge = colours === null ? {} : { backgroundColor: colours.background, color: colours.text };
  const why = reasonText(state);
  return (
    <Text wrap="truncate">
      {"level "}
      <Text bold {...badge}>
        {colours === null ? state.level : ` ${state.level.toUpperCase()} `}
      </Text>
      {`  action ${state.action}${why === "" ? "" : `  (${why})`}`}
    </Text>
  );
}

/** Usage with what it is forecast to be, and what follows: one text a panel, and a line less than the screen has. */
export function WatchApp(props: WatchAppProps): React.JSX.Element {
  const { title, model, intervalS, state, ring, happenings, columns, lines, onQuit } = props;
  useInput((input, key) => {
    if (input === "q" || (key.ctrl && input === "c")) onQuit();
  });
  if (state === undefined) return <Text>starting…</Text>;
  const { usedBytes, limitBytes, trend, slopeBytesPerS, confidence } = state;
  // A frame as tall as the screen would wipe the scrollback.
  const room = Math.max(1, lines - 1 - FIXED_LINES);
  const shown = happenings.slice(-Math.max(0, Math.min(room > 24 ? 8 : 3, room - LEAST_CHART_LINES)));
  const chartLines = room - shown.length;
  const pastSamples = WINDOWS.find((samples) => samples >= ring.length) ?? WINDOWS.at(-1) ?? 300;
  const chart = { columns, lines: chartLines, pastS: pastSamples * intervalS, gapS: 3 * intervalS };
  const share =
    limitBytes === null ? "" : ` of ${formatBytes(limitBytes)} (${formatPercent(usedBytes / limitBytes)})`;
  const sure = confidence === null ? "" : `   confidence ${confidence.toFixed(2)}`;
  const usage = `${formatBytes(usedBytes)}${share}   ${trend} ${rateText(slopeBytesPerS)}`;
  const outlook = `critical: ${timeToCriticalText(state)}${sure}`;
  if (chartLines < LEAST_CHART_LINES) {
    return (
      <Box flexDirection="column">
        <Text wrap="truncate">{usage}</Text>
        {lines > 3 && <Text wrap="truncate">{outlook}</Text>}
        {lines > 4 && <Level state={state} />}
      </Box>
    );
  }
  return (
    <Box flexDirection="column">
      <Text wrap="truncate" bold>
        {title}
      </Text>
      <Text wrap="truncate">{usage}</Text>
      <Chart rows={usageChart(ring, state, chart)} />
      <Lines texts={forecastLines(state, columns)} />
      <Text wrap="truncate">{outlook}</Text>
      <Level state={state} />
      {shown.length > 0 && (
        <Lines
          texts={shown.map(
            ({ timeNs, text }) => `${formatDuration(Math.max(0, state.timeS * 1e9 - timeNs))} ago: ${text}`,
          )}
        />
      )}
      <Text dimColor wrap="truncate">
        {`q quits; ${model}, a sample every ${formatDuration(intervalS * 1e9)}; right of now: forecast, 90 % interval`}
      </Text>
    </Box>
  );
}
