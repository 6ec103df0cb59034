import { Text } from "ink";
import type { ProgressRow } from "../measure/measurement-progress.js";
import { formatBytes, formatRatio } from "../units.js";
import { latencyText } from "./latencyText.js";
import { Warned } from "./Outlook.js";
import { ratioBar } from "./ratioBar.js";

export interface AllocatorRowsProps {
  readonly rows: readonly ProgressRow[];
  /** Name of the row that the others are compared with. */
  readonly baseline: string;
  readonly atWork: string | undefined;
  /** Whose memory the chart shows. */
  readonly shown: string | undefined;
  readonly columns: number;
  /** Of them all, titles included. */
  readonly lines: number;
}

const RATIO_COLUMNS = 18;
const FIGURE_COLUMNS = 9;
const BAR_COLUMNS = 41;
const LEAST_BAR_COLUMNS = 9;
/** `✓` or `✗`. */
const STATE_COLUMNS = 1;
/** `RAN OUT after 12m 30s`, and hardly ever more than `high 82 % after 2m 0s, critical 40 s–80 s`. */
const OUTLOOK_COLUMNS = 46;

function ratioText({ allocator, ratio, failed }: ProgressRow, baseline: string): string {
  if (failed) return "failed";
  if (allocator === baseline) return "1× (baseline)";
  if (ratio === undefined) return "";
  const { median, low, high } = ratio;
  const ends = low === null || high === null ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return `${formatRatio(median)}${ends}`;
}

/** Where the interval says that it is faster or slower; mid colours, seen on light and on dark. */
function tone({ ratio, failed }: ProgressRow): { color?: string } {
  if (failed) return { color: "red" };
  if (ratio === undefined || ratio.low === null || ratio.high === null) return {};
  if (ratio.high < 1) return { color: "green" };
  return ratio.low > 1 ? { color: "magenta" } : {};
}

/** What there is room for: the ratio and the peak first, then the outlook, the tail of latency, the bar. */
function layout({ rows, columns }: AllocatorRowsProps) {
  const name = Math.max(FIGURE_COLUMNS, ...rows.map((row) => row.allocator.length));
  const outlook = rows.some((row) => row.outlook !== undefined);
  let left = columns - 2 - name - 1 - RATIO_COLUMNS - 1 - FIGURE_COLUMNS - 1 - STATE_COLUMNS;
  if (outlook) left -= OUTLOOK_COLUMNS;
  const latency = left >= 2 * (FIGURE_COLUMNS + 1);
  if (latency) left -= 2 * (FIGURE_COLUMNS + 1);
  // Odd, so that 1× stands in the middle.
  const bar = left - 1 < LEAST_BAR_COLUMNS ? 0 : Math.min(BAR_COLUMNS, 2 * Math.ceil((left - 1) / 2) - 1);
  return { name, latency, bar };
}

/** A line for each allocator: its ratio so far with the interval as a bar, memory at its peak, the tail of its latency. */
export function AllocatorRows(props: AllocatorRowsProps): React.JSX.Element {
  const { rows, baseline, atWork, shown, lines } = props;
  const { name, latency, bar } = layout(props);
  const cell = (text: string): string => ` ${text.padStart(FIGURE_COLUMNS)}`;
  const titles = [
    `  ${"".padEnd(name)} ${`time / ${baseline}`.slice(0, RATIO_COLUMNS).padEnd(RATIO_COLUMNS)}`,
    ...(bar > 0 ? [` ${"¼×".padEnd((bar - 1) / 2)}1×${"4×".padStart((bar - 1) / 2 - 1)}`] : []),
    cell("peak"),
    ...(latency ? [cell("alloc p99"), cell("p99.99")] : []),
  ];
  return (
    <>
      <Text wrap="truncate" dimColor>
        {titles.join("")}
      </Text>
      {rows.slice(0, Math.max(1, lines - 1)).map((row) => (
        <Text key={row.allocator} wrap="truncate" bold={row.allocator === atWork} {...tone(row)}>
          {row.allocator === shown ? "▸ " : "  "}
          {row.allocator.padEnd(name)} {ratioText(row, baseline).padEnd(RATIO_COLUMNS)}
          {bar > 0 ? ` ${ratioBar(row.ratio, bar)}` : ""}
          {cell(row.peakBytes === undefined ? "" : formatBytes(row.peakBytes))}
          {latency ? cell(latencyText(row.latency?.alloc, "p99", row.clockNs)) : ""}
          {latency ? cell(latencyText(row.latency?.alloc, "p9999", row.clockNs)) : ""}{" "}
          {row.failed ? "✗" : row.verified === true ? "✓" : " "}
          {row.outlook === undefined ? "" : <Warned outlook={row.outlook} />}
        </Text>
      ))}
    </>
  );
}
