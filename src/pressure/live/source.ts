import type { KernelCounts } from "./kernel-text.js";

/** What is watched: whatever can be asked, again and again, how much memory it uses. */

/** One look. Whole numbers, as a recording holds them; null: the source does not say. */
export interface Reading {
  readonly usedBytes: number;
  /** What it may take. */
  readonly totalBytes: number;
  readonly swapBytes: number | null;
  /** Memory pressure, `some avg10`, in 1/1000 percent. */
  readonly psiMillipercent: number | null;
  readonly counts?: KernelCounts;
}

/** There is nothing left to look at. */
export interface SourceEnd {
  /** A sentence: `process 42 (postgres) has ended`. */
  readonly ended: string;
}

export interface PressureSource {
  /** `the system`, `process 42 (postgres)`, `cgroup /system.slice/db.service`. */
  readonly name: string;
  /** What `used` counts here, and where the limit is from, for the head of a watch. */
  readonly usedIs: string;
  readonly limitIs: string;
  /** As an action's program is told it. */
  readonly pid?: number;
  readonly cgroup?: string;
  /** Throws UserError where a file cannot be read or makes no sense; the next look may go well. */
  read(): Reading | SourceEnd;
}
