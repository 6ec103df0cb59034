import { Text } from "ink";
import type { MemoryCourse, ProgressRow, RunProgress } from "../measure/measurement-progress.js";
import { formatBytes, formatCount, formatPercent } from "../units.js";
import { Chart } from "./Chart.js";
import { type Layer, spanChart } from "./spanChart.js";

/** Fewer lines show no course: caption, a few of the chart, its axis. */
export const LEAST_MEMORY_LINES = 6;

export const hasMemory = ({ rows }: RunProgress): boolean => rows.some(({ memory }) => memory?.length);

function layer(course: MemoryCourse, key: "bytes" | "liveBytes"): Layer {
  return {
    kind: key === "bytes" ? "series" : "live",
    filled: key === "liveBytes",
    count: course.length,
    x: (index) => course[index]?.event ?? 0,
    value: (index) => course[index]?.[key] ?? null,
  };
}

function caption({ allocator, memory = [] }: ProgressRow): string {
  if (memory.length === 0) return `${allocator}: not weighed yet`;
  let [peak, live] = [0, 0];
  for (const { bytes, liveBytes } of memory) {
    peak = Math.max(peak, bytes);
    live = Math.max(live, liveBytes);
  }
  const over = live === 0 ? "" : `, ${formatPercent(peak / live - 1)} above`;
  return `${allocator}: memory (line), live bytes (dots); peak ${formatBytes(peak)}${over}`;
}

/** Memory of an allocator against what is alive, over the trace; on one scale for all of them, so that they compare. */
export function MemoryPanel({
  row,
  progress,
  columns,
  lines,
}: {
  readonly row: ProgressRow;
  readonly progress: RunProgress;
  readonly columns: number;
  readonly lines: number;
}): React.JSX.Element {
  const memory = row.memory ?? [];
  let [high, last] = [0, progress.events ?? 0];
  for (const each of progress.rows) {
    for (const { bytes, liveBytes } of each.memory ?? []) high = Math.max(high, bytes, liveBytes);
    last = Math.max(last, each.memory?.at(-1)?.event ?? 0);
  }
  const rows = spanChart([layer(memory, "bytes"), layer(memory, "liveBytes")], {
    ...{ columns, lines: lines - 1, from: 0, to: last, high, format: formatBytes },
    ...{ fromText: "0", toText: `${formatCount(last)} events` },
  });
  return (
    <>
      <Text wrap="truncate">{caption(row)}</Text>
      <Chart rows={rows} />
    </>
  );
}
