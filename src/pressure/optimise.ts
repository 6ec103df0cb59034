import { Interrupted } from "../errors.js";
import type { PressurePolicy } from "../native/pressure.js";
import { type BacktestRequest, backtestSeries, type SeriesBacktest } from "./backtest.js";
import { LEAST_POOLED_S, type PooledAlarms, scorecard } from "./scorecard.js";
import type { Series } from "./series.js";

const AHEAD_S = [30, 60, 120];
const CRITICAL_CHANCES = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
const CRITICAL_THRESHOLDS = [0.85, 0.9, 0.93];

export interface ChosenPolicy extends PressurePolicy {
  readonly thresholds: readonly number[];
  readonly chances: readonly number[];
  readonly aheadS: number;
}

interface Judged {
  readonly policy: PooledAlarms | undefined;
  readonly static90: PooledAlarms | undefined;
}

/** A policy chosen on some of the series, and what it did on the others. */
export interface Optimised {
  readonly falseAlarmsPerHour: number;
  readonly tried: number;
  readonly chosen: ChosenPolicy;
  readonly training: Judged;
  readonly heldOut: Judged;
}

/** All that are tried: how far ahead, from which chance, and from which usage an alarm is due. */
function candidates(policy: PressurePolicy): ChosenPolicy[] {
  const [warning = 0.7, high = 0.8, , emergency = 0.95] = policy.thresholds ?? [];
  return AHEAD_S.flatMap((aheadS) =>
    CRITICAL_CHANCES.flatMap((critical) =>
      CRITICAL_THRESHOLDS.map((threshold) => ({
        ...policy,
        aheadS,
        chances: [critical / 10, critical / 2.5, critical, Math.max(0.9, critical)],
        thresholds: [
          Math.min(warning, threshold - 0.02),
          Math.min(high, threshold - 0.01),
          threshold,
          Math.max(emergency, threshold + 0.01),
        ],
      })),
    ),
  );
}

async function judge(
  series: readonly Series[],
  request: BacktestRequest,
  policy: PressurePolicy,
  signal: AbortSignal | undefined,
): Promise<Judged> {
  const played: SeriesBacktest[] = [];
  for (const each of series) {
    played.push(await backtestSeries(each, { ...request, policy, beside: [], evictable: [] }, signal));
  }
  const { origins, all } = scorecard(played);
  const alarms = (all ?? origins[0])?.alarms ?? [];
  return {
    policy: alarms.find(({ kind }) => kind === "policy"),
    static90: alarms.find(({ kind }) => kind === "static90"),
  };
}

/**
 * Tries policies on every other series, takes the one that saw most among those that hold the rate of false alarms (or, where
 * none does, the one with the fewest), and plays it on those that were held out. Null where there are fewer than two that are long
 * enough to be pooled.
 */
export async function optimisePolicy(
  series: readonly Series[],
  request: BacktestRequest,
  falseAlarmsPerHour: number,
  options: { readonly signal?: AbortSignal; readonly onTried?: (tried: number, of: number) => void } = {},
): Promise<Optimised | null> {
  const long = series.filter(
    ({ columns: { timeS } }) => (timeS.at(-1) ?? 0) - (timeS[0] ?? 0) >= LEAST_POOLED_S,
  );
  const training = long.filter((_, index) => index % 2 === 0);
  const heldOut = long.filter((_, index) => index % 2 === 1);
  if (heldOut.length === 0) return null;
  const all = candidates(request.policy);
  let best: { policy: ChosenPolicy; judged: Judged } | undefined;
  for (const [index, policy] of all.entries()) {
    if (options.signal?.aborted) throw new Interrupted();
    options.onTried?.(index, all.length);
    const judged = await judge(training, request, policy, options.signal);
    if (judged.policy === undefined) return null;
    if (best?.judged.policy === undefined || isBetter(judged.policy, best.judged.policy, falseAlarmsPerHour))
      best = { policy, judged };
  }
  if (best === undefined) return null;
  return {
    falseAlarmsPerHour,
    tried: all.length,
    chosen: best.policy,
    training: best.judged,
    heldOut: await judge(heldOut, request, best.policy, options.signal),
  };
}

function isBetter(a: PooledAlarms, b: PooledAlarms, allowed: number): boolean {
  const holds = (each: PooledAlarms): boolean => each.falseAlarmsPerHour <= allowed;
  if (holds(a) !== holds(b)) return holds(a);
  if (!holds(a)) return a.falseAlarmsPerHour < b.falseAlarmsPerHour;
  return a.caught > b.caught || (a.caught === b.caught && a.falseAlarmsPerHour < b.falseAlarmsPerHour);
}
