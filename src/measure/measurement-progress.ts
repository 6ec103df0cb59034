import type { PressureState } from "../native/pressure.js";
import { formatCount, formatDuration } from "../units.js";
import type { Ratio } from "./measurement.js";

/** What a run is doing, for whoever shows it; no terminal in it. */

export type Phase = "plan" | "warm-up" | "check" | "memory" | "relief" | "latency" | "timed";

/** Where the memory of an allocator is heading, as its memory round goes on. */
export interface Outlook {
  readonly state: PressureState;
  /** It reached the limit; the state is that of this moment. */
  readonly ranOut: boolean;
  readonly recent: readonly { readonly timeS: number; readonly value: number }[];
}

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
  /** Of a benchmark: where it stands, each number from 1. */
  readonly suite?: {
    readonly name: string;
    readonly case: number;
    readonly cases: number;
    readonly suite: number;
    readonly suites: number;
  };
  /** The cases that are done, with what each allocator took against the baseline. */
  readonly finished?: readonly {
    readonly name: string;
    readonly ratios: readonly { readonly allocator: string; readonly ratio: Ratio }[];
  }[];
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

/** `systemui.zip: timing jemalloc, round 3 of 10, 12 s left`. */
export function progressLine(progress: RunProgress): string {
  const parts = [
    `${progress.trace}: ${PHASES[progress.phase]}${progress.allocator === undefined ? "" : ` ${progress.allocator}`}`,
  ];
  if (progress.rounds > 1) parts.push(`round ${progress.round} of ${progress.rounds}`);
  if (progress.fraction !== undefined) parts.push(`${Math.round(progress.fraction * 100)} %`);
  if (progress.eventsPerSecond !== undefined) parts.push(`${formatCount(progress.eventsPerSecond)} events/s`);
  if (progress.remainingNs !== undefined)
    parts.push(`${formatDuration(Math.max(1e9, progress.remainingNs))} left`);
  return parts.join(", ");
}
