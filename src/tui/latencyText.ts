import type { Percentiles } from "../measure/measurement.js";
import { formatDuration } from "../units.js";

export type Percentile = "p50" | "p90" | "p99" | "p999" | "p9999" | "max";

/** A percentile below twice the clock's own cost tells of the clock: `< 20 ns`. */
export function latencyText(
  values: Percentiles | undefined,
  key: Percentile,
  clockNs: number | undefined,
): string {
  if (values === undefined || values.count === 0) return "";
  const limit = 2 * (clockNs ?? 0);
  return values[key] < limit ? `< ${formatDuration(Math.ceil(limit))}` : formatDuration(values[key]);
}
