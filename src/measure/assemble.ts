import { availableParallelism } from "node:os";
import { comparePairs, geometricMean, logRatios, noiseFloorOf, type Pair } from "../statistics/comparison.js";
import { median } from "../statistics/summary.js";
import { pairsOf, type TimeMetric, timeNs } from "./figures.js";
import type { AllocatorResult, Comparison, GeometricMean, ResultFile, TraceResult } from "./measurement.js";
import type { RowMeasurement, TraceMeasurement } from "./schedule.js";

/** What was measured on one trace, with the trace. */
export interface MeasuredTrace {
  readonly trace: TraceResult;
  readonly measurement: TraceMeasurement;
}

export interface AssembleOptions {
  readonly threads: number;
  readonly order: "free" | "recorded";
  readonly seed: number;
}

export type AssembledResults = Pick<
  ResultFile,
  "results" | "comparisons" | "geometricMeans" | "harness" | "warnings"
>;

const TIMES: readonly TimeMetric[] = ["warm", "cold", "cpu"];

function operations(trace: TraceResult): number {
  return Math.max(1, trace.measuredEvents + trace.measuredImpliedFrees);
}

function perEvent(row: RowMeasurement, loop: RowMeasurement, metric: TimeMetric, events: number) {
  const raw = timeNs(row.rounds, metric);
  if (raw === undefined) return undefined;
  const net = timeNs(row.rounds, metric, loop.rounds);
  return { rawNsPerEvent: raw / events, netNsPerEvent: net === undefined ? null : net / events };
}

function resultOf(
  row: RowMeasurement,
  { trace, measurement }: MeasuredTrace,
  options: AssembleOptions,
): AllocatorResult {
  const events = operations(trace);
  const { allocator, hello, failure } = row;
  const times = TIMES.flatMap((metric) => {
    const figure = perEvent(row, measurement.loop, metric, events);
    return figure === undefined ? [] : [[metric, figure] as const];
  });
  const warm = times.find(([metric]) => metric === "warm")?.[1];
  const peaks = row.rounds.map((round) => round.replayedOverRecordedPeak);
  return {
    trace: trace.name,
    allocator: allocator.name,
    ...(hello === undefined ? {} : { library: hello.mallocLibrary }),
    ...(hello?.mallocVersion ? { version: hello.mallocVersion } : {}),
    route: allocator.route,
    environment: { ...allocator.environment },
    ...(allocator.config === undefined ? {} : { config: { ...allocator.config } }),
    threads: options.threads === 0 ? trace.threads : Math.min(options.threads, trace.threads),
    order: options.order,
    rounds: row.rounds,
    ...Object.fromEntries(times),
    ...(warm === undefined || warm.rawNsPerEvent <= 0 ? {} : { eventsPerSecond: 1e9 / warm.rawNsPerEvent }),
    ...(row.latency === undefined ? {} : { latencyNs: row.latency }),
    ...(row.memory === undefined ? {} : { memory: row.memory }),
    ...(row.forecast === undefined ? {} : { forecast: row.forecast }),
    ...(peaks.length === 0 ? {} : { replayedOverRecordedPeak: median(peaks) }),
    stats: { ...row.stats },
    verified: row.verified,
    ...(failure === undefined
      ? {}
      : {
          failure: {
            code: failure.code,
            message: failure.message,
            ...(failure.event === undefined ? {} : { event: failure.event }),
          },
        }),
  };
}

/** The times of a row beside the baseline's: of each metric raw, and net where the loop was measured too. */
function comparisonsOf(row: RowMeasurement, measured: MeasuredTrace, seed: number): Comparison[] {
  const { baseline, loop } = measured.measurement;
  const names = {
    trace: measured.trace.name,
    allocator: row.allocator.name,
    baseline: baseline.allocator.name,
  };
  const comparisons: Comparison[] = [];
  for (const metric of TIMES) {
    for (const net of [true, false]) {
      const pairs = pairsOf(row.rounds, baseline.rounds, metric, net ? loop.rounds : undefined);
      const ratio = comparePairs(pairs, seed);
      if (ratio !== undefined)
        comparisons.push({ ...names, metric, ratio, net, pairs: logRatios(pairs).length });
    }
  }
  const peak = row.memory?.peakBytes;
  const base = baseline.memory?.peakBytes;
  if (peak !== undefined && base !== undefined && base > 0 && peak > 0) {
    // Recorded order: the same twice, so one pair and no interval.
    const ratio = { median: peak / base, low: null, high: null };
    comparisons.push({ ...names, metric: "peak", ratio, net: true, pairs: 1 });
  }
  return comparisons;
}

function pairsOfMetric(
  measured: MeasuredTrace,
  allocator: string,
  metric: GeometricMean["metric"],
  net: boolean,
): readonly Pair[] {
  const { rows, baseline, loop } = measured.measurement;
  const row = rows.find((candidate) => candidate.allocator.name === allocator);
  if (row === undefined) return [];
  if (metric !== "peak") return pairsOf(row.rounds, baseline.rounds, metric, net ? loop.rounds : undefined);
  return [{ value: row.memory?.peakBytes ?? 0, baseline: baseline.memory?.peakBytes ?? 0 }];
}

function geometricMeans(traces: readonly MeasuredTrace[], seed: number): GeometricMean[] {
  const first = traces[0]?.measurement;
  if (first === undefined || traces.length < 2) return [];
  const means: GeometricMean[] = [];
  for (const row of first.rows) {
    if (row === first.baseline || row === first.loop) continue;
    for (const metric of [...TIMES, "peak"] as const) {
      for (const net of metric === "peak" ? [true] : [true, false]) {
        const allocator = row.allocator.name;
        const strata = traces.map((measured) => pairsOfMetric(measured, allocator, metric, net));
        const ratio = geometricMean(strata, seed);
        if (ratio === undefined) continue;
        means.push({
          allocator,
          baseline: first.baseline.allocator.name,
          metric,
          ratio,
          net,
          traces: traces.length,
        });
      }
    }
  }
  return means;
}

/** Where net is under this share of raw, the loop is most of what was measured. */
const LOOP_DOMINATES = 1 / 5;

/** Sentences about what makes these figures weaker than they look. */
function warningsOf({ trace, measurement }: MeasuredTrace, options: AssembleOptions): string[] {
  const warnings: string[] = [];
  const dominated = measurement.rows.filter((row) => {
    const [raw, net] = [timeNs(row.rounds, "warm"), timeNs(row.rounds, "warm", measurement.loop.rounds)];
    return row !== measurement.loop && raw !== undefined && net !== undefined && net < raw * LOOP_DOMINATES;
  });
  if (dominated.length > 0) {
    const names = dominated.map((row) => row.allocator.name).join(", ");
    warnings.push(
      `${trace.name}: the loop dominates: less than a fifth of the time of ${names} is the allocator's own.` +
        // Threads that outnumber the CPUs spend their time waiting for each other.
        (options.threads === 0 && trace.threads > availableParallelism()
          ? " With fewer replaying threads (--threads 2) it does less."
          : ""),
    );
  }
  for (const row of measurement.rows) {
    if (row.failure !== undefined) {
      warnings.push(`${trace.name}: ${row.allocator.name} was stopped: ${row.failure.message}`);
    }
  }
  const { again } = measurement;
  for (const row of again === undefined ? measurement.rows : [...measurement.rows, again]) {
    // The loop keeps no block: however it ran, its time is its time.
    if (row === measurement.loop) continue;
    const invalid = row.rounds.filter((round) => !round.valid);
    if (invalid.length === 0) continue;
    const worst = invalid.reduce(
      (far, round) => Math.max(far, Math.abs(round.replayedOverRecordedPeak - 1)),
      0,
    );
    warnings.push(
      `${trace.name}: ${invalid.length} of ${row.rounds.length} rounds of ${row.allocator.name}${row === again ? " (again)" : ""} are invalid and left out: ` +
        `their live peak was off the recorded one by up to ${(worst * 100).toFixed(1)} % (1 % is allowed).`,
    );
  }
  return warnings;
}

/** From what was measured to what is reported. */
export function assemble(traces: readonly MeasuredTrace[], options: AssembleOptions): AssembledResults {
  const results: AllocatorResult[] = [];
  const comparisons: Comparison[] = [];
  const loopNsPerEvent: Record<string, number> = {};
  const noiseFloor: Record<string, number | null> = {};
  let clockNs: number | null = null;
  for (const measured of traces) {
    const { trace, measurement } = measured;
    const { rows, baseline, loop, again } = measurement;
    for (const row of rows) {
      results.push(resultOf(row, measured, options));
      if (row !== baseline && row !== loop) comparisons.push(...comparisonsOf(row, measured, options.seed));
    }
    const loopNs = timeNs(loop.rounds, "warm");
    if (loopNs !== undefined) loopNsPerEvent[trace.name] = loopNs / operations(trace);
    clockNs ??= loop.hello?.clockNs ?? null;
    if (again !== undefined) {
      const ratio = comparePairs(pairsOf(again.rounds, baseline.rounds, "warm", loop.rounds), options.seed);
      if (ratio !== undefined) noiseFloor[trace.name] = noiseFloorOf(ratio);
    }
  }
  return {
    results,
    comparisons,
    geometricMeans: geometricMeans(traces, options.seed),
    harness: { loopNsPerEvent, clockNs, ...(Object.keys(noiseFloor).length === 0 ? {} : { noiseFloor }) },
    warnings: traces.flatMap((measured) => warningsOf(measured, options)),
  };
}
