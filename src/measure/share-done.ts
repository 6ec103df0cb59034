import type { ScheduleOptions } from "./schedule.js";

export interface RoundsDone {
  /** Allocators that have timed rounds: the empty loop and the baseline's second row among them. */
  readonly racing: number;
  /** Those of them that are checked, weighed, and so on. */
  readonly judged: number;
  /** Rounds that are over, and what of the one under way is done. */
  readonly done: number;
}

/** How much of a trace's whole run is done, 0 to 1: every round counts the same. */
export function shareDone(options: ScheduleOptions, { racing, judged, done }: RoundsDone): number {
  const { warmup, verify, memory, latency, forecast, rounds, untilWidth, maxRounds } = options;
  const relief = memory && forecast?.purge === true && forecast.limitBytes !== null;
  const once = [verify, memory, relief, latency].filter(Boolean).length;
  // The empty loop is warmed up and weighed, too.
  const before = Math.max(1, warmup) * (judged + 1) + judged * once + (memory ? 1 : 0);
  const timed = (untilWidth === null ? rounds : Math.max(rounds, maxRounds)) * racing;
  return Math.min(1, done / (before + timed));
}
