import type { PressureState } from "../native/pressure.js";
import { formatCount, formatDuration } from "../units.js";
import type { LatencyResult, MemoryResult, Ratio } from "./measurement.js";

/** What a run is doing, for whoever shows it; no terminal in it. */

export type Phase = "plan" | "warm-up" | "check" | "memory" | "relief" | "latency" | "timed";

/** Where the memory of an allocator is heading, as its memory round goes on. */
export interface Outlook {
  readonly state: PressureState;
  /** It reached the limit; the state is that of this moment. */
  readonly ranOut: boolean;
  readonly recent: readonly { readonly timeS: number; readonly value: number }[];
}

/** Memory of an allocator over the events of the trace; grows while it is weighed. */
export type MemoryCourse = MemoryResult["timeline"];

export interface ProgressRow {
  readonly allocator: string;
  /** Rounds that were timed so far. */
  readonly rounds: number;
  /** Warm time against the baseline so far; undefined before the first pair. */
  readonly ratio: Ratio | undefined;
  readonly peakBytes: number | undefined;
  readonly verified: boolean | null;
  readonly failed: boolean;
  /** Where it was asked to look ahead, from its memory round on. */
  readonly outlook?: Outlook;
  /** From its memory round on. The same array is told again, with more in it. */
  readonly memory?: MemoryCourse;
  readonly latency?: LatencyResult;
  /** One reading of the clock in its process: percentiles below two tell of the clock. */
  readonly clockNs?: number;
}

/** Where a run of several suites is: its trace is one case of one of them. */
export interface SuiteProgress {
  readonly name: string;
  /** Case k of n of this suite, suite k of n; both from 1. */
  readonly case: number;
  readonly cases: number;
  readonly suite: number;
  readonly suites: number;
}

/** What came out of a case. */
export interface FinishedCase {
  readonly name: string;
  /** Without a ratio: the baseline itself, or what failed. */
  readonly ratios: readonly { readonly allocator: string; readonly ratio: Ratio | undefined }[];
}

export interface RunProgress {
  readonly trace: string;
  readonly phase: Phase;
  /** The allocator at work; undefined between rounds. */
  readonly allocator: string | undefined;
  /** Round k of n, where there are rounds. */
  readonly round: number;
  readonly rounds: number;
  /** How much of the step is done, 0 to 1, where it is known. */
  readonly fraction: number | undefined;
  readonly eventsPerSecond: number | undefined;
  /** Of this trace's timed rounds; undefined before one of them is done. */
  readonly remainingNs: number | undefined;
  readonly rows: readonly ProgressRow[];
  /** How much of this trace's whole run is done, 0 to 1. */
  readonly overall?: number;
  /** Events of the trace, the end of every memory course; undefined before any was weighed. */
  readonly events?: number;
  readonly suite?: SuiteProgress;
  /** Cases before this one, the last one last. */
  readonly finished?: readonly FinishedCase[];
}

/** Of work that is no round of an allocator: what it is, and which of how many. */
export function stepProgress(
  trace: string,
  phase: Phase,
  step: Partial<Pick<RunProgress, "allocator" | "round" | "rounds" | "fraction">> = {},
): RunProgress {
  return {
    trace,
    phase,
    allocator: undefined,
    round: 1,
    rounds: 1,
    fraction: undefined,
    eventsPerSecond: undefined,
    remainingNs: undefined,
    rows: [],
    ...step,
  };
}

/** Shows progress. The schedule calls it between rounds, and waits; inside a timed round nobody draws. */
export interface ProgressView {
  show(progress: RunProgress): Promise<void> | void;
}

const PHASES: Readonly<Record<RunProgress["phase"], string>> = {
  plan: "reading and planning",
  "warm-up": "warming up",
  check: "checking",
  memory: "weighing memory",
  relief: "weighing memory given back under pressure",
  latency: "sampling latency",
  timed: "timing",
};

/** `hot-path 3 of 10, suite 1 of 5`. */
export function suiteText({ name, case: at, cases, suite, suites }: SuiteProgress): string {
  return `${name} ${at} of ${cases}, suite ${suite} of ${suites}`;
}

/** How much of everything is done, all cases of all suites counting the same within theirs. */
export function overallShare({ overall, suite }: RunProgress): number | undefined {
  if (suite === undefined) return overall;
  const cases = (suite.case - 1 + (overall ?? 0)) / Math.max(1, suite.cases);
  return Math.min(1, (suite.suite - 1 + cases) / Math.max(1, suite.suites));
}

/** `systemui.zip: timing jemalloc, round 3 of 10`. */
export function stepText({ trace, phase, allocator, round, rounds, fraction }: RunProgress): string {
  const parts = [`${trace}: ${PHASES[phase]}${allocator === undefined ? "" : ` ${allocator}`}`];
  if (rounds > 1) parts.push(`round ${round} of ${rounds}`);
  if (fraction !== undefined) parts.push(`${Math.round(fraction * 100)} %`);
  return parts.join(", ");
}

/** `1,234,567 events/s, 12 s left`; empty where neither is known. */
export function paceText({ eventsPerSecond, remainingNs }: RunProgress): string {
  const parts: string[] = [];
  if (eventsPerSecond !== undefined) parts.push(`${formatCount(eventsPerSecond)} events/s`);
  if (remainingNs !== undefined) parts.push(`${formatDuration(Math.max(1e9, remainingNs))} left`);
  return parts.join(", ");
}

/** All of it on one line, with the suite in front where there is one. */
export function progressLine(progress: RunProgress): string {
  const { suite } = progress;
  const pace = paceText(progress);
  return `${suite === undefined ? "" : `${suiteText(suite)}: `}${stepText(progress)}${pace === "" ? "" : `, ${pace}`}`;
}
