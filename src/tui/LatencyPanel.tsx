import { Text } from "ink";
import type { ProgressRow } from "../measure/measurement-progress.js";
import { latencyText } from "./latencyText.js";

const CALLS = ["alloc", "free", "realloc", "transaction"] as const;
const PERCENTILES = [
  ["p50", "p50"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["p999", "p99.9"],
  ["p9999", "p99.99"],
  ["max", "max"],
] as const;
const COLUMNS = 10;
const NAME_COLUMNS = 14;

const callsOf = ({ latency }: ProgressRow) => CALLS.filter((call) => (latency?.[call]?.count ?? 0) > 0);

/** Titles and a line a kind of call; 0: nothing is known yet. */
export const latencyLines = (row: ProgressRow): number =>
  callsOf(row).length === 0 ? 0 : callsOf(row).length + 1;

/** How long the calls of an allocator take. */
export function LatencyPanel({ row }: { readonly row: ProgressRow }): React.JSX.Element {
  const titles = PERCENTILES.map(([, title]) => title.padStart(COLUMNS)).join("");
  return (
    <>
      <Text wrap="truncate" dimColor>
        {`${row.allocator}, a call`.padEnd(NAME_COLUMNS)}
        {titles}
      </Text>
      {callsOf(row).map((call) => (
        <Text key={call} wrap="truncate">
          {`  ${call}`.padEnd(NAME_COLUMNS)}
          {PERCENTILES.map(([key]) =>
            latencyText(row.latency?.[call], key, row.clockNs).padStart(COLUMNS),
          ).join("")}
        </Text>
      ))}
    </>
  );
}
