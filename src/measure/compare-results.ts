import { isDifference, MEMORY_TOLERANCE, ratioOfRatios } from "../statistics/comparison.js";
import { type Comparison, METRICS, type ResultFile, type TraceResult } from "./measurement.js";
import type { ResultChange } from "./measurement-change.js";

/**
 * The trace of another file that is the same as this one: of the same content and name, of the same content, or, where
 * the content changed, of the same name.
 */
export function sameTrace(trace: TraceResult, file: ResultFile): TraceResult | undefined {
  const named = file.traces.find(({ name }) => name === trace.name);
  if (named?.sha256 === trace.sha256) return named;
  return file.traces.find(({ sha256 }) => sha256 === trace.sha256) ?? named;
}

/** Two floors, each of its own run: what lies within both together is no difference. Null: one has no bound. */
function bothFloors(a: number | null | undefined, b: number | null | undefined): number | null {
  if (a === null || b === null) return null;
  return (1 + (a ?? 0)) * (1 + (b ?? 0)) - 1;
}

function comparisonOf(
  file: ResultFile,
  trace: string,
  allocator: string,
  metric: string,
  net: boolean,
): Comparison | undefined {
  return file.comparisons.find(
    (each) =>
      each.trace === trace && each.allocator === allocator && each.metric === metric && each.net === net,
  );
}

interface Place {
  readonly reference: ResultFile;
  readonly current: ResultFile;
  readonly before: TraceResult;
  readonly now: TraceResult;
  readonly allocator: string;
}

/** Nothing where the two do not share a way of taking the loop off. */
function timeChange(place: Place, metric: "warm" | "cold" | "cpu"): ResultChange[] {
  const { reference, current, before, now, allocator } = place;
  for (const net of [true, false]) {
    const old = comparisonOf(reference, before.name, allocator, metric, net);
    const own = comparisonOf(current, now.name, allocator, metric, net);
    if (old === undefined || own === undefined || old.baseline !== own.baseline) continue;
    const change = ratioOfRatios(own.ratio, old.ratio);
    const floor = bothFloors(
      reference.harness.noiseFloor?.[before.name],
      current.harness.noiseFloor?.[now.name],
    );
    const different = isDifference(change, floor);
    const { ratio } = own;
    return [
      {
        ...{ trace: now.name, allocator, metric, of: "ratio", net, reference: old.ratio, current: ratio },
        ...{ change, different },
      },
    ];
  }
  return [];
}

function peakChange({ reference, current, before, now, allocator }: Place): ResultChange[] {
  const bytesOf = (file: ResultFile, trace: string): number | undefined =>
    file.results.find((each) => each.trace === trace && each.allocator === allocator)?.memory?.peakBytes;
  const old = bytesOf(reference, before.name);
  const own = bytesOf(current, now.name);
  if (old === undefined || own === undefined || !(old > 0)) return [];
  const exactly = (median: number) => ({ median, low: null, high: null });
  return [
    {
      ...{ trace: now.name, allocator, metric: "peak", of: "bytes", net: true },
      ...{ reference: exactly(old), current: exactly(own), change: exactly(own / old) },
      different: Math.abs(own / old - 1) > MEMORY_TOLERANCE,
    },
  ];
}

/**
 * What changed between two result files, for every allocator and trace that both have, in the order of the current one.
 * Times are compared as ratios to the baseline of their own run, and only where both runs have the same baseline.
 */
export function compareResults(reference: ResultFile, current: ResultFile): ResultChange[] {
  return current.results.flatMap(({ trace, allocator }) => {
    const now = current.traces.find(({ name }) => name === trace);
    const before = now && sameTrace(now, reference);
    if (now === undefined || before === undefined) return [];
    const place = { reference, current, before, now, allocator };
    return METRICS.flatMap((metric) => (metric === "peak" ? peakChange(place) : timeChange(place, metric)));
  });
}
