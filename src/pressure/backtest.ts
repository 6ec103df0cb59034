import { Interrupted } from "../errors.js";
import type {
  ClosedLoopResult,
  ForecastModel,
  HorizonScore,
  LimitScore,
  NativeBacktestOptions,
  PressurePolicy,
  ReliabilityBin,
  SeriesColumns,
  SeriesScore,
} from "../native/pressure.js";
import { native } from "../native.js";
import { type CapacityExtras, type RunsOut, runsOut } from "./capacity.js";
import type { Series } from "./series.js";

/** Shares of the peak that a sweep takes for limits: under which it would have run out, and under which not. */
const SWEEP = [0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 1.03, 1.1, 1.2, 1.35, 1.5];

const CHART_POINTS = 240;

export type LimitChoice =
  /** What the series says there is in all; where it says nothing, none. */
  | { readonly kind: "total" }
  | { readonly kind: "bytes"; readonly bytes: number }
  | { readonly kind: "sweep" };

export interface BacktestRequest {
  /** The one whose alarms and evictions are judged. */
  readonly model: ForecastModel;
  /** Those beside it, by their errors alone. */
  readonly beside: readonly ForecastModel[];
  readonly limits: LimitChoice;
  readonly policy: PressurePolicy;
  /** Shares of usage that can be evicted; none: no closed loop. */
  readonly evictable: readonly number[];
  readonly extras: CapacityExtras;
}

/** A series, drawn: the lowest and the highest usage of equal spans of time. */
export interface SeriesChart {
  readonly spanS: number;
  readonly lowBytes: readonly (number | null)[];
  readonly highBytes: readonly (number | null)[];
}

/** One series, played through the forecaster. */
export interface SeriesBacktest {
  readonly name: string;
  readonly origin: string;
  readonly notes: readonly string[];
  readonly samples: number;
  readonly spanS: number;
  readonly stepS: number;
  readonly peakBytes: number;
  /** The last it told; null: none. */
  readonly totalBytes: number | null;
  readonly gaps: number;
  readonly changes: number;
  readonly meanMoveShare: number;
  readonly models: readonly { readonly model: ForecastModel; readonly horizons: readonly HorizonScore[] }[];
  /** Of the first model. */
  readonly confidence: readonly ReliabilityBin[];
  readonly limits: readonly LimitScore[];
  readonly closedLoop: readonly ClosedLoopResult[];
  /** With and without what was asked for as an extra, one a limit; empty where nothing was. */
  readonly extras: readonly RunsOut[];
  readonly chart: SeriesChart;
}

/** Null in it: the total of each sample. */
function limitsOf(series: Series, choice: LimitChoice): (number | null)[] {
  const { totalBytes, usedBytes } = series.columns;
  switch (choice.kind) {
    case "total":
      return totalBytes.some((total) => total > 0) ? [null] : [];
    case "bytes":
      return [choice.bytes];
    case "sweep": {
      const peak = highest(usedBytes);
      // What begins at its limit does not run out: nothing would have started there, and nobody could have warned.
      const least = usedBytes[0] ?? 0;
      return SWEEP.map((share) => Math.round(share * peak)).filter((limit) => limit > least);
    }
  }
}

function highest(values: Float64Array): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** One backtest, until the signal comes. */
async function play(
  columns: SeriesColumns,
  options: NativeBacktestOptions,
  signal: AbortSignal | undefined,
): Promise<SeriesScore> {
  if (signal?.aborted) throw new Interrupted();
  const running = native().backtest(columns, options);
  const stop = (): void => running.stop();
  signal?.addEventListener("abort", stop);
  try {
    return await running;
  } catch (error) {
    throw signal?.aborted ? new Interrupted() : error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Plays a series through the forecaster. Throws Interrupted when the signal came. */
export async function backtestSeries(
  series: Series,
  request: BacktestRequest,
  signal?: AbortSignal,
): Promise<SeriesBacktest> {
  const { columns } = series;
  const { policy } = request;
  const limits = limitsOf(series, request.limits);
  const models = [request.model, ...request.beside.filter((each) => each !== request.model)];
  const scores: SeriesScore[] = [];
  for (const [index, model] of models.entries()) {
    const judged = index === 0 && limits.length > 0;
    scores.push(
      await play(
        columns,
        {
          model,
          policy,
          limits: judged ? limits : [],
          ...(judged && request.evictable.length > 0 && { evictable: request.evictable }),
        },
        signal,
      ),
    );
  }
  const score = scores[0] as SeriesScore;
  const total = columns.totalBytes.at(-1);
  return {
    name: series.name,
    origin: series.origin,
    notes: series.notes,
    samples: score.samples,
    spanS: score.spanS,
    stepS: score.typicalStepS,
    peakBytes: score.highestBytes,
    totalBytes: total !== undefined && total > 0 ? total : null,
    gaps: score.gaps,
    changes: score.changes,
    meanMoveShare: score.meanMoveShare,
    models: models.map((model, index) => ({
      model,
      horizons: (scores[index] as SeriesScore).horizons,
    })),
    confidence: score.confidence,
    limits: score.limits,
    closedLoop: score.closedLoop,
    extras: runsOut(columns, limits, request.extras),
    chart: chartOf(series),
  };
}

function chartOf({ columns }: Series): SeriesChart {
  const { timeS, usedBytes } = columns;
  const [first = 0, last = 0] = [timeS[0], timeS.at(-1)];
  const spanS = last - first;
  // No more points than samples, or there would be holes between them.
  const points = Math.max(1, Math.min(CHART_POINTS, Math.floor(timeS.length / 2)));
  const low: (number | null)[] = new Array(points).fill(null);
  const high: (number | null)[] = new Array(points).fill(null);
  for (let at = 0; at < timeS.length; at += 1) {
    const share = spanS > 0 ? ((timeS[at] as number) - first) / spanS : 0;
    const point = Math.min(points - 1, Math.floor(share * points));
    const used = usedBytes[at] as number;
    low[point] = Math.min(low[point] ?? used, used);
    high[point] = Math.max(high[point] ?? used, used);
  }
  return { spanS, lowBytes: low, highBytes: high };
}
