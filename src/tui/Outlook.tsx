import { Text } from "ink";
import type { Outlook } from "../measure/measurement-progress.js";
import { LEVEL_COLOURS, timeToCriticalText } from "../pressure/live/wording.js";
import { formatBytes, formatDuration, formatPercent } from "../units.js";
import { Chart } from "./Chart.js";
import { SeriesRing } from "./seriesRing.js";
import { usageChart } from "./usageChart.js";

/** `82 % of 700 MiB, critical in 40 s–9m`. */
export function Warned({ outlook }: { readonly outlook: Outlook }): React.JSX.Element {
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

/** Memory of an allocator over the time of the trace, and what is forecast. */
export function Fan({
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
