import { basename } from "node:path";
import { readHost } from "../../src/measure/host.js";
import { comparePairs, noiseFloorOf, type RatioInterval } from "../../src/statistics/comparison.js";
import { median } from "../../src/statistics/summary.js";
import { AGAIN, displayName, GLIBC, type Preload } from "./allocators.js";
import type { Run } from "./rounds.js";

/** Figures of runs, and how the notes in docs/ show them. */

/** A figure of a run, and whether more of it is better. */
export interface Metric {
  readonly title: string;
  readonly moreIsBetter: boolean;
  of(run: Run): number;
}

export const THROUGHPUT: Metric = {
  title: "throughput",
  moreIsBetter: true,
  of: (run) => run.operations / run.seconds,
};
export const CPU: Metric = {
  title: "CPU an operation",
  moreIsBetter: false,
  of: (run) => run.cpuSeconds / run.operations,
};
export const PEAK: Metric = { title: "peak memory", moreIsBetter: false, of: (run) => run.peakBytes };

export const medianOf = (runs: readonly Run[], allocator: string, metric: Metric): number =>
  median(runs.filter((run) => run.allocator === allocator).map(metric.of));

/** Of `allocator` over `baseline`, round by round. */
export function ratioOf(
  runs: readonly Run[],
  metric: Metric,
  allocator: string,
  baseline: string,
  seed: number,
): RatioInterval | undefined {
  const pairs = runs.flatMap((run) => {
    if (run.allocator !== allocator) return [];
    const other = runs.find((each) => each.round === run.round && each.allocator === baseline);
    return other === undefined ? [] : [{ value: metric.of(run), baseline: metric.of(other) }];
  });
  return comparePairs(pairs, seed);
}

/** How far the C library is from itself, its interval included: 0.02 is 2 %. Null where anything may be noise. */
export function noiseFloor(runs: readonly Run[], metric: Metric, seed: number): number | null {
  const ratio = ratioOf(runs, metric, AGAIN, GLIBC, seed);
  return ratio === undefined ? null : noiseFloorOf(ratio);
}

export function ratioText(ratio: RatioInterval | undefined): string {
  if (ratio === undefined) return "–";
  const { median: middle, low, high } = ratio;
  return `${middle.toFixed(3)}${low === null || high === null ? "" : ` [${low.toFixed(3)}, ${high.toFixed(3)}]`}`;
}

/** Of these allocators the one with the best median. */
export function bestOf(runs: readonly Run[], among: readonly string[], metric: Metric): string | undefined {
  const sign = metric.moreIsBetter ? -1 : 1;
  return among
    .filter((name) => runs.some((run) => run.allocator === name))
    .sort((a, b) => sign * (medianOf(runs, a, metric) - medianOf(runs, b, metric)))[0];
}

/** `npm run x` on a date: on what machine, with what libraries. */
export function provenance(command: string, preloads: readonly Preload[]): string {
  const host = readHost();
  const libraries = preloads
    .map(({ name, library }) => `${displayName(name)} (${basename(library)})`)
    .join(", ");
  return (
    `\`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${host.cpuModel}, ${host.cores} CPUs` +
    `${host.virtualMachine ? " (virtual)" : ""}, Linux ${host.kernel}, glibc ${host.libc}. Preloaded: ${libraries}.`
  );
}
