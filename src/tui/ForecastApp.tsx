import { Box, Text, useInput } from "ink";
import type { Series } from "../pressure/series.js";
import { formatBytes, formatDuration } from "../units.js";
import { Chart } from "./Chart.js";
import { progressBar } from "./Header.js";
import type { ModelSkill } from "./modelSkills.js";
import { spanChart } from "./spanChart.js";

export interface ForecastAppProps {
  /** What is being done, in words. */
  readonly step: string;
  /** How much of it all is done, 0 to 1. */
  readonly share: number;
  /** The series at hand; undefined while they are read. */
  readonly series: Series | undefined;
  readonly skills: readonly ModelSkill[];
  readonly columns: number;
  readonly lines: number;
  readonly onQuit: () => void;
}

const LEAST_CHART_LINES = 5;
const CELL_COLUMNS = 10;

function Skills({ skills }: { readonly skills: readonly ModelSkill[] }): React.JSX.Element {
  const name = Math.max(12, ...skills.map(({ model }) => model.length + 2));
  const horizons = skills[0]?.horizons ?? [];
  return (
    <>
      <Text wrap="truncate" dimColor>
        {"skill so far".padEnd(name)}
        {horizons.map(({ horizonS }) => `in ${horizonS} s`.padStart(CELL_COLUMNS)).join("")}
      </Text>
      {skills.map((each) => (
        <Text key={each.model} wrap="truncate">
          {`  ${each.model}`.padEnd(name)}
          {each.horizons.map(({ skill }) => skill.toFixed(2).padStart(CELL_COLUMNS)).join("")}
        </Text>
      ))}
    </>
  );
}

function SeriesCourse({
  series: { name, columns: readings },
  columns,
  lines,
}: {
  readonly series: Series;
  readonly columns: number;
  readonly lines: number;
}): React.JSX.Element {
  const { timeS, usedBytes } = readings;
  const high = usedBytes.reduce((most, used) => Math.max(most, used), 0);
  const [from, to] = [timeS[0] ?? 0, timeS.at(-1) ?? 0];
  const layer = {
    ...{ kind: "series" as const, filled: true, count: timeS.length },
    x: (index: number) => timeS[index] ?? 0,
    value: (index: number) => usedBytes[index] ?? 0,
  };
  const rows = spanChart([layer], {
    ...{ columns, lines: lines - 1, from, to, high: 1.02 * high, format: formatBytes },
    ...{ fromText: "0", toText: formatDuration((to - from) * 1e9) },
  });
  return (
    <>
      <Text wrap="truncate">{`${name}: usage, at most ${formatBytes(high)}`}</Text>
      <Chart rows={rows} />
    </>
  );
}

/** A backtest under way: how far it is, how good the models are so far, the series at hand. */
export function ForecastApp(props: ForecastAppProps): React.JSX.Element {
  const { step, share, series, skills, columns, lines, onQuit } = props;
  useInput((input, key) => {
    if (input === "q" || (key.ctrl && input === "c")) onQuit();
  });
  const most = Math.max(1, lines - 1);
  const title = (
    <Text wrap="truncate" bold>
      {step}
    </Text>
  );
  if (most < 3) return title;
  const bar = progressBar(share, columns);
  const rows = skills.length === 0 ? 0 : skills.length + 1;
  const skillLines = rows <= most - 3 ? rows : 0;
  const chart = most - 3 - skillLines;
  return (
    <Box flexDirection="column">
      {title}
      <Text wrap="truncate">
        <Text color="cyan">{bar.done}</Text>
        <Text dimColor>{bar.left}</Text>
        {bar.text}
      </Text>
      {skillLines > 0 && <Skills skills={skills} />}
      {series !== undefined && chart >= LEAST_CHART_LINES && (
        <SeriesCourse series={series} columns={columns} lines={chart} />
      )}
      <Text dimColor wrap="truncate">
        q quits; skill: 0 is no better than no change, 1 is no error
      </Text>
    </Box>
  );
}
