/**
 * The only loader of the addon, and the types of what it takes and gives. The shapes mirror native/binding/options.cc and
 * native/binding/results.cc. Counts are numbers: beyond 2^53 they lose their last digits.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.js";
import type {
  NativeBacktestOptions,
  PressureForecaster,
  PressureOptions,
  RunningBacktest,
  SeriesColumns,
} from "./native/pressure.js";

/** Formats as `detectFormat` and `source.format` name them; `rmt-raw` is what a recorder writes. */
export type NativeFormat =
  | "rmt"
  | "rmt-raw"
  | "android"
  | "malloc-bench"
  | "csv"
  | "malloc-lab"
  | "mtrace"
  | "heaptrack"
  | "logalloc"
  | "trace-utils"
  | "gperftools";

/** Formats whose parts lie all over the file: they are read from one, not pushed. */
export type WholeFileFormat = "rmt-raw" | "trace-utils";

export type PipelineSource =
  /** Input comes through `push`. */
  | {
      readonly kind: "bytes";
      readonly format: Exclude<NativeFormat, WholeFileFormat>;
      readonly strict?: boolean;
      readonly skipDamaged?: boolean;
    }
  /** A raw `.rmt`, or a workload of trace-utils, in a regular file; driven by `step`. */
  | {
      readonly kind: "raw" | "trace-utils";
      readonly path: string;
      readonly strict?: boolean;
      readonly skipDamaged?: boolean;
    }
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
  /** Leaves out transactions; what dies with one is freed at its end. Before all others. */
  readonly unmarked?: boolean;
  /** Marks the transactions that a search found in the same trace, in the place of those it has. */
  readonly boundaries?: Uint8Array;
  /** Kinds by call site: `ofSite[site]` is an index into `kinds`; 0 leaves the kind as it is. Applied first. */
  readonly siteKinds?: { readonly kinds: readonly string[]; readonly ofSite: Uint16Array };
}

export type PipelineSink =
  | { readonly kind: "count" }
  | { readonly kind: "profile" }
  | {
      readonly kind: "inspect";
      /** Also what each call site allocates. */
      readonly callSites?: boolean;
    }
  | { readonly kind: "rmt" }
  | { readonly kind: "csv" }
  | {
      readonly kind: "plan";
      readonly planPath: string;
      readonly spoolDirectory: string;
      /** Replaying threads; 0 or absent: those of the trace. */
      readonly threads?: number;
      readonly withTimes?: boolean;
    }
  /** Wants the filter `unmarked`. Without levels it chooses them; with them it finds the boundaries. */
  | { readonly kind: "find-transactions"; readonly levels?: readonly (number | null)[] }
  | { readonly kind: "series" };

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

/** What a transaction is like, over many of them. */
export interface TransactionProfile {
  /** Born in it, savepoints included. */
  readonly blocks: Distribution;
  readonly bytes: Distribution;
  /** Blocks alive after its end. */
  readonly survivors: Distribution;
  /** Of the whole trace, from begin to end. */
  readonly durationEvents: Distribution;
  /** Null where the trace has no times. */
  readonly durationNs: Distribution | null;
}

/** In what order blocks come and go on a thread. */
export interface BurstShape {
  /** Allocations of a thread without a free of it between; reallocations don't count. */
  readonly allocRuns: Distribution;
  readonly freeRuns: Distribution;
  readonly frees: number;
  /** Frees of the block that, of those alive, was born last on the thread. */
  readonly lifoFrees: number;
  /** Events from the death of a block to the next birth of its size, of sizes up to 32 KiB. */
  readonly reuseEvents: Distribution;
  /** Births that found no death of their size that none had followed, of the last seven. */
  readonly freshBirths: number;
}

/** Bytes that a way to round sizes takes beyond those asked for (native/binding/size_class_waste.h). */
export interface ClassWaste {
  readonly rounding: "rustydb" | "jemalloc" | "eight-a-doubling" | "power-of-two" | "glibc";
  /** Of the blocks alive at the peak of live bytes, and of all that were born. */
  readonly atPeak: { readonly requestedBytes: number; readonly wastedBytes: number };
  readonly overBirths: { readonly requestedBytes: number; readonly wastedBytes: number };
  /** The five sizes that waste most over all births. */
  readonly worst: readonly {
    readonly bytes: number;
    readonly servedBytes: number;
    readonly births: number;
    readonly wastedBytes: number;
  }[];
}

export interface TransactionTypeActivity {
  readonly type: string;
  readonly begins: number;
  readonly commits: number;
  readonly aborts: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Null beyond the first 32 types. */
  readonly profile: TransactionProfile | null;
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
  /** That of `profile`. */
  readonly blocks: Distribution;
  /** Of transactions without a parent. */
  readonly profile: TransactionProfile;
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
    /** As `byBitWidth`, but bytes: of all births, and of what is alive at the peak. Sizes that are not in `top`'s count are not in it. */
    readonly bytesByBitWidth: readonly number[];
    readonly peakBytesByBitWidth: readonly number[];
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
  readonly bursts: BurstShape;
  readonly classWaste: readonly ClassWaste[];
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

export interface AllocationGroup {
  /** Begun, savepoints not counted. */
  readonly transactions: number;
  readonly aborts: number;
  readonly openAtEnd: number;
  /** Allocs and reallocs, each with the whole size it asked for. */
  readonly blocks: number;
  readonly bytes: number;
  readonly reallocs: number;
  readonly sizes: readonly { readonly sizeBytes: number; readonly blocks: number; readonly bytes: number }[];
  readonly kinds: readonly { readonly kind: string; readonly blocks: number; readonly bytes: number }[];
  /** Where the trace has call sites. */
  readonly callSites?: readonly SiteCount[];
}

/** What the stacks of one call site stand for: estimates, of these variances, unless every allocation has its stack. */
export interface SiteCount {
  readonly site: number;
  readonly samples: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly blocksVariance: number;
  readonly bytesVariance: number;
}

/** Who asked for how many blocks of which size, between the marks `start` and `stop` (native/trace/allocation_profile.h). */
export interface AllocationProfile {
  readonly events: number;
  readonly firstTimeNs: number | null;
  readonly lastTimeNs: number | null;
  /** A mark cut something off. */
  readonly windowed: boolean;
  /** Blocks whose size was rounded up by at most 1/16, because there were too many sizes. */
  readonly roundedBlocks: number;
  /** Blocks that are in totals only, because there were too many rows. */
  readonly unlistedBlocks: number;
  readonly outside: AllocationGroup;
  readonly types: readonly (AllocationGroup & { readonly type: string })[];
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
  /** From the first event with a time behind the mark `start` to the last; null where none has one. */
  readonly spanNs: number | null;
  /** The largest total that a sample of the trace tells; 0: none. */
  readonly sampledTotalBytes: number;
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

/** The phases of a thread when lives of at most `longestLifeEvents` block events count as short. */
export interface PhaseLevel {
  readonly longestLifeEvents: number;
  /** Of at least four blocks. */
  readonly phases: number;
  /** Born and dead in a phase. */
  readonly blocks: number;
  readonly bytes: number;
  /** Born in a phase, survivors included. */
  readonly births: number;
  readonly mostBlocks: number;
  /** Of the phase that a block finds itself in. */
  readonly typicalBlocks: number;
  readonly typicalEvents: number;
  /** 1 where the phases stay the same at the next level; null of the last. */
  readonly stability: number | null;
}

export interface ThreadPhases {
  /** Its number in the source. */
  readonly thread: number;
  readonly births: number;
  readonly bytes: number;
  readonly ownDeaths: number;
  /** Blocks freed or moved by another thread. */
  readonly handedOver: number;
  /** Index of a level; null where none looks like transactions. */
  readonly chosen: number | null;
  /** The second pass counts the chosen one only. */
  readonly levels: readonly PhaseLevel[];
}

/** What looks like transactions in a trace (native/trace/transaction_finder.h). */
export interface TransactionSearch {
  readonly births: number;
  readonly bytes: number;
  readonly handedOver: number;
  readonly threads: readonly ThreadPhases[];
  /** Of the second pass; all 0 after the first. */
  readonly found: {
    readonly phases: number;
    readonly heldBlocks: number;
    readonly heldBytes: number;
    /** Born in a phase, and alive for longer than its level calls short. */
    readonly survivors: number;
    readonly blocks: Distribution;
    readonly bytes: Distribution;
    readonly events: Distribution;
  };
  /** Of the second pass: what the filter `boundaries` takes. */
  readonly boundaries: Buffer;
}

/** The call stacks of a trace (native/trace/call_sites.h). Node n is `nodes[2n]` (its caller's node) and `nodes[2n + 1]` (its frame). */
export interface CallTable {
  /** Paths; [0] is none. */
  readonly modules: readonly string[];
  readonly frames: readonly CallFrame[];
  readonly nodes: Uint32Array;
}

export interface CallFrame {
  readonly module: number;
  /** In the file of the module. */
  readonly offset: number;
  /** Empty where nobody knows. */
  readonly symbol: string;
}

/** What the samples of one call site stand for (native/trace/call_site_analyser.h): estimates. */
export interface CallSiteActivity {
  readonly site: number;
  readonly samples: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Alive when the whole trace had the most bytes alive. */
  readonly peakBytes: number;
  readonly peakBlocks: number;
  readonly endBytes: number;
}

export interface CallSiteAnalysis {
  /** Of the whole trace, exactly. */
  readonly blocks: number;
  readonly bytes: number;
  readonly peakBytes: number;
  readonly samples: number;
  readonly sites: readonly CallSiteActivity[];
}

export interface PipelineResult {
  /** Events that came from the source, and those that reached the sink. */
  readonly sourceEvents: number;
  readonly resultEvents: number;
  readonly header: Readonly<Record<string, string>>;
  readonly report: ImportReport;
  /** Of the sinks `inspect`, `profile` (both) and `plan`. */
  readonly analysis: TraceAnalysis | null;
  readonly profile: AllocationProfile | null;
  readonly plan: PlanSummary | null;
  /** Of the sink `find-transactions`. */
  readonly search: TransactionSearch | null;
  /** Of the sink `series`. */
  readonly series: SeriesColumns | null;
  /** Null where the trace has no call sites. */
  readonly callTable: CallTable | null;
  /** Of the sink `inspect` with `callSites`. */
  readonly callSites: CallSiteAnalysis | null;
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

/** What `heapConfig` makes of a file. */
export type HeapConfigReading =
  /** The effective configuration, as a file that says every key. */
  { readonly shown: string; readonly mistake?: undefined } | { readonly mistake: HeapConfigMistake };

/** The first thing that is wrong in it. */
export interface HeapConfigMistake {
  /** From 1; 0: it has no place. */
  readonly line: number;
  readonly column: number;
  /** Dotted; may be empty. */
  readonly key: string;
  readonly message: string;
  readonly remedy: string;
}

export interface NativeAddon {
  readonly TracePipeline: new (options: PipelineOptions) => TracePipeline;
  /** What the first bytes of an unpacked file are (4096 of them, where it has as many). */
  detectFormat(head: Uint8Array): NativeFormat | null;
  /** A configuration file of the heap, checked by its only validator; null: the defaults. */
  heapConfig(text: Uint8Array | null): HeapConfigReading;
  /** Plays a series through the forecaster; its columns must not change until the promise is settled. */
  backtest(series: SeriesColumns, options: NativeBacktestOptions): RunningBacktest;
  /** CPU time in ns that a sample of a random walk takes the forecaster; at work until it returns. */
  forecastCost(options: PressureOptions, stepS: number, samples: number, seed: number): number;
  readonly PressureForecaster: new (options: PressureOptions) => PressureForecaster;
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
