import type { Metric, Ratio } from "./measurement.js";

/** How one figure of an allocator on a trace changed from one result file to another. */
export interface ResultChange {
  /** As the current file names it. */
  readonly trace: string;
  readonly allocator: string;
  readonly metric: Metric;
  /**
   * `ratio`: the ratios to the baseline of the same run were compared, since times of two runs are not comparable.
   * `bytes`: memory, which is.
   */
  readonly of: "ratio" | "bytes";
  /** Whether the loop's own cost was taken off all times. */
  readonly net: boolean;
  /** The ratio of each file, or its bytes, which have no ends. */
  readonly reference: Ratio;
  readonly current: Ratio;
  /** current / reference: above 1 it takes more time, or memory, than it did. */
  readonly change: Ratio;
  /** The interval leaves 1 out, and both noise floors; of memory: more than 1 %. */
  readonly different: boolean;
}

/** One allocator on one trace in one file. */
export interface SideBySideFigure {
  /** Against the baseline of this file; absent for the baseline itself, and where nothing was measured. */
  readonly ratio?: Ratio;
  readonly different?: boolean;
  /** Whether `ratio` is without the loop's own cost. */
  readonly net?: boolean;
  readonly isBaseline: boolean;
  readonly netNsPerEvent: number | null;
  readonly peakBytes: number | null;
  readonly failure: string | null;
}

export interface SideBySideRow {
  readonly trace: string;
  readonly allocator: string;
  /** One a file; null where the file does not have the row. */
  readonly figures: readonly (SideBySideFigure | null)[];
  /** One a file, against the reference; null for the reference itself and where it cannot be told. */
  readonly timeChanges: readonly (ResultChange | null)[];
  readonly peakChanges: readonly (ResultChange | null)[];
}

/** Several result files beside each other. */
export interface SideBySide {
  readonly files: readonly {
    /** What columns call it. */
    readonly label: string;
    readonly path: string;
    readonly date: string;
    readonly toolVersion: string;
    readonly baseline: string;
    readonly partial: boolean;
  }[];
  /** Index of the file that the others are compared with. */
  readonly reference: number;
  readonly rows: readonly SideBySideRow[];
  /** What differs between the runs beside the allocators, a sentence each. */
  readonly warnings: readonly string[];
}
