/**
 * The only loader of the addon, and the types of what it takes and gives. The shapes mirror native/binding/options.cc and
 * native/binding/results.cc. Counts are numbers: beyond 2^53 they lose their last digits.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.js";

/** Formats as `detectFormat` and `source.format` name them; `rmt-raw` is what a recorder writes. */
export type NativeFormat = "rmt" | "rmt-raw" | "android" | "malloc-bench" | "csv";

export type PipelineSource =
  /** Input comes through `push`. */
  | {
      readonly kind: "bytes";
      readonly format: Exclude<NativeFormat, "rmt-raw">;
      readonly strict?: boolean;
      readonly skipDamaged?: boolean;
    }
  /** A raw `.rmt`, a regular file; driven by `step`. */
  | { readonly kind: "raw"; readonly path: string; readonly strict?: boolean; readonly skipDamaged?: boolean }
  /** The generator; `program` is a workload file compiled by workload/compile.ts. Driven by `step`. */
  | { readonly kind: "workload"; readonly program: string };

/** Applied in the order: time, threads, size, head, names. */
export interface PipelineFilters {
  /** Since the first event; what is alive at `fromNs` is kept. */
  readonly fromNs?: number;
  readonly toNs?: number;
  /** Numbers of threads in the source. */
  readonly threads?: readonly number[];
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** Events of the result. */
  readonly head?: number;
  readonly anonymise?: boolean;
  readonly noTimes?: boolean;
}

export type PipelineSink =
  | { readonly kind: "count" }
  | { readonly kind: "inspect" }
  | { readonly kind: "rmt" }
  | { readonly kind: "csv" }
  | {
      readonly kind: "plan";
      readonly planPath: string;
      readonly spoolDirectory: string;
      /** Replaying threads; 0 or absent: those of the trace. */
      readonly threads?: number;
      readonly withTimes?: boolean;
    };

export interface PipelineOptions {
  readonly source: PipelineSource;
  readonly filters?: PipelineFilters;
  readonly sink: PipelineSink;
}

export interface PipelineStep {
  /** What a writing sink wrote, if anything. */
  readonly output: Buffer | null;
  /** `step` only: false after the last one. */
  readonly more: boolean;
  /** No further input can change the result: go to `finish`. */
  readonly satisfied: boolean;
}

/** What a reader mended or left out, by category. */
export interface Repair {
  readonly category: string;
  readonly dropped: boolean;
  readonly count: number;
  /** Lines, records or event numbers of the first five. */
  readonly firstPositions: readonly number[];
}

export interface ImportReport {
  /** Lines, records or events of the source. */
  readonly linesRead: number;
  readonly events: number;
  readonly dropped: number;
  readonly repaired: number;
  readonly repairs: readonly Repair[];
  readonly warnings: readonly string[];
}

/** Quantiles to the width of a log-linear bucket (3 %); `byBitWidth[b]` counts 2^(b-1) ≤ value < 2^b, [0] zeros. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly byBitWidth: readonly number[];
}

export interface LivePoint {
  readonly event: number;
  readonly timeNs: number | null;
  readonly liveBytes: number;
  readonly liveBlocks: number;
}

export interface ThreadActivity {
  /** Its number in the source. */
  readonly thread: number;
  readonly events: number;
  readonly births: number;
  readonly frees: number;
  readonly bytes: number;
  readonly firstEvent: number;
  readonly lastEvent: number;
  readonly ended: boolean;
}

export interface KindActivity {
  readonly kind: string;
  readonly births: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly liveBlocks: number;
  readonly peakLiveBytes: number;
  readonly lifetimeEventsByBitWidth: readonly number[];
}

export interface TransactionTypeActivity {
  readonly type: string;
  readonly begins: number;
  readonly commits: number;
  readonly aborts: number;
  readonly blocks: number;
  readonly bytes: number;
}

export interface TransactionActivity {
  readonly begun: number;
  readonly savepoints: number;
  readonly commits: number;
  /** Commits of savepoints that hand on to their parent. */
  readonly releases: number;
  readonly aborts: number;
  /** Blocks that died with their transaction. */
  readonly impliedFrees: number;
  readonly deepestNesting: number;
  readonly mostOpen: number;
  readonly openAtEnd: number;
  readonly scopedBlocks: number;
  readonly scopedBytes: number;
  /** Blocks alive after the end of their transaction. */
  readonly outlivingBlocks: number;
  readonly blocks: Distribution;
  readonly types: readonly TransactionTypeActivity[];
}

/** What is in a trace (native/trace/analyser.h). Bytes are bytes asked for. */
export interface TraceAnalysis {
  readonly events: number;
  readonly eventsByType: Readonly<
    Record<
      | "alloc"
      | "free"
      | "realloc"
      | "begin"
      | "commit"
      | "abort"
      | "threadStart"
      | "threadEnd"
      | "mark"
      | "sample",
      number
    >
  >;
  readonly firstTimeNs: number | null;
  readonly lastTimeNs: number | null;
  readonly requestedBytes: number;
  readonly zeroedBlocks: number;
  readonly zeroedBytes: number;
  readonly defaultAlignments: number;
  readonly alignments: readonly { readonly alignment: number; readonly count: number }[];
  readonly toldFrees: number;
  readonly wronglyToldFrees: number;
  readonly sizes: Distribution & {
    readonly top: readonly { readonly bytes: number; readonly count: number }[];
    readonly topIsExact: boolean;
  };
  readonly lifetimeEvents: Distribution;
  readonly lifetimeNs: Distribution | null;
  readonly peak: LivePoint;
  readonly peakLiveBlocks: number;
  readonly end: LivePoint;
  readonly liveOverTime: readonly LivePoint[];
  readonly opening: (LivePoint & { readonly openTransactions: number }) | null;
  readonly threads: readonly ThreadActivity[];
  readonly crossThreadFrees: number;
  readonly reallocs: {
    readonly grown: number;
    readonly shrunk: number;
    readonly same: number;
    readonly keptBytes: number;
    readonly blocks: number;
    readonly longestChain: number;
    readonly crossThread: number;
  };
  readonly transactions: TransactionActivity;
  readonly kinds: readonly KindActivity[];
  readonly marks: readonly { readonly event: number; readonly text: string }[];
  readonly samples: number;
  readonly largestSampleUsedBytes: number;
}

/** How faithful a plan is to its trace, and how large (native/replay/planner.h). */
export interface PlanSummary {
  readonly traceEvents: number;
  readonly events: number;
  readonly measuredEvents: number;
  readonly impliedFrees: number;
  readonly measuredImpliedFrees: number;
  readonly transactions: number;
  readonly scopedBlocks: number;
  readonly eligibleBlocks: number;
  readonly crossThreadFrees: number;
  readonly frees: number;
  readonly waits: number;
  readonly windows: number;
  readonly openingBlocks: number;
  readonly leftoverBlocks: number;
  readonly peakLiveBytes: number;
  readonly peakLiveBlocks: number;
  readonly instructions: number;
  readonly planBytes: number;
  readonly threads: number;
  readonly streams: number;
  readonly slots: number;
  readonly scopeSlots: number;
}

export interface PipelineResult {
  /** Events that came from the source, and those that reached the sink. */
  readonly sourceEvents: number;
  readonly resultEvents: number;
  readonly header: Readonly<Record<string, string>>;
  readonly report: ImportReport;
  /** Of the sinks `inspect` and `plan`. */
  readonly analysis: TraceAnalysis | null;
  readonly plan: PlanSummary | null;
  readonly output: Buffer | null;
}

/** An error of the pipeline, as it rejects a promise. `stopped` follows `abort`. */
export interface NativeFailure extends Error {
  readonly code: string;
  readonly byteOffset?: number;
  readonly line?: number;
  readonly event?: number;
}

/**
 * A trace on its way from a source through filters to a sink. One call at a time; after an error it is over. The bytes
 * given to `push` must not change until its promise is settled.
 */
export interface TracePipeline {
  push(bytes: Uint8Array): Promise<PipelineStep>;
  step(): Promise<PipelineStep>;
  finish(): Promise<PipelineResult>;
  /** Ends the call under way with the code `stopped`, and gives everything back. */
  abort(): void;
  /** So far; may be read while a call is under way. */
  readonly sourceEvents: number;
}

export interface NativeAddon {
  readonly TracePipeline: new (options: PipelineOptions) => TracePipeline;
  /** What the first bytes of an unpacked file are (4096 of them, where it has as many). */
  detectFormat(head: Uint8Array): NativeFormat | null;
}

/** The folder of package.json, from src/ and from dist/ alike. */
export const packageRoot = fileURLToPath(new URL("..", import.meta.url));

let loaded: NativeAddon | undefined;

/** Loads the addon on first use, so that `--help` does not pay for it. */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  const path = process.env.RUSTYDB_MEM_NATIVE ?? `${packageRoot}build/Release/rustydb_mem.node`;
  const remedy = `Build it with: node ${packageRoot}scripts/build-native.mjs`;
  if (!existsSync(path)) {
    throw new UserError("addon-missing", `the native part of rustydb-mem is not built (no ${path})`, {
      remedy,
    });
  }
  try {
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError("addon-unusable", `the native part of rustydb-mem cannot be loaded: ${reason}`, {
      remedy,
      cause,
    });
  }
}
