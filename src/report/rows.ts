import type {
  AllocatorResult,
  Comparison,
  Metric,
  Ratio,
  ResultFile,
  TraceResult,
} from "../measure/measurement.js";
import { isDifference } from "../statistics/comparison.js";

export const SORTS = ["time", "memory", "latency", "name", "given"] as const;
export type Sort = (typeof SORTS)[number];

/** A ratio to the baseline, and whether it may be called a difference. */
export interface JudgedRatio {
  readonly ratio: Ratio;
  /** Without the loop's own cost, or, where that was not to be had, with it. */
  readonly net: boolean;
  readonly different: boolean;
}

/** One allocator on one trace, as every report shows it. */
export interface ReportRow {
  readonly result: AllocatorResult;
  readonly isBaseline: boolean;
  readonly warm: JudgedRatio | undefined;
  readonly cold: JudgedRatio | undefined;
  /** Peak memory against the baseline's. */
  readonly peak: number | undefined;
}

function judged(file: ResultFile, trace: string, allocator: string, metric: Metric): JudgedRatio | undefined {
  const found = (net: boolean): Comparison | undefined =>
    file.comparisons.find(
      (each) =>
        each.trace === trace && each.allocator === allocator && each.metric === metric && each.net === net,
    );
  const comparison = found(true) ?? found(false);
  if (comparison === undefined) return undefined;
  const { ratio, net } = comparison;
  return { ratio, net, different: isDifference(ratio, file.harness.noiseFloor?.[trace]) };
}

function sortKey(row: ReportRow, sort: Sort): number {
  switch (sort) {
    case "time":
      return row.result.warm?.netNsPerEvent ?? row.result.warm?.rawNsPerEvent ?? Number.POSITIVE_INFINITY;
    case "memory":
      return row.result.memory?.peakBytes ?? Number.POSITIVE_INFINITY;
    case "latency":
      return row.result.latencyNs?.alloc?.p9999 ?? Number.POSITIVE_INFINITY;
    case "name":
    case "given":
      return 0;
  }
}

/** The rows of a trace. Rows without the figure that sorts come last. */
export function reportRows(file: ResultFile, trace: TraceResult, sort: Sort): ReportRow[] {
  const rows = file.results
    .filter((result) => result.trace === trace.name)
    .map((result): ReportRow => {
      const { allocator } = result;
      return {
        result,
        isBaseline: allocator === file.options.baseline,
        warm: judged(file, trace.name, allocator, "warm"),
        cold: judged(file, trace.name, allocator, "cold"),
        peak: judged(file, trace.name, allocator, "peak")?.ratio.median,
      };
    });
  if (sort === "given") return rows;
  if (sort === "name") return rows.sort((a, b) => a.result.allocator.localeCompare(b.result.allocator));
  return rows.sort((a, b) => {
    const [left, right] = [sortKey(a, sort), sortKey(b, sort)];
    return left === right ? 0 : left - right;
  });
}
