import type { ImportReport, PipelineResult, TraceAnalysis, TransactionSearch } from "../native.js";
import type { CallSiteRanking } from "./call-sites.js";

/** The formats users can name with --format. */
export const TRACE_FORMATS = [
  "rmt",
  "android",
  "malloc-bench",
  "malloc-lab",
  "mtrace",
  "heaptrack",
  "logalloc",
  "trace-utils",
  "gperftools",
  "csv",
] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** What people call them. */
export const FORMAT_TITLES: Readonly<Record<TraceFormat, string>> = {
  rmt: "rustydb-mem trace (.rmt)",
  android: "Android memory_replay text",
  "malloc-bench": "malloc-bench protobuf",
  "malloc-lab": "CS:APP malloc-lab .rep",
  mtrace: "glibc mtrace log",
  heaptrack: "heaptrack, raw or interpreted",
  logalloc: "Firefox logalloc",
  "trace-utils": "glibc trace-utils .wl",
  gperftools: "gperftools-style records, processed",
  csv: "CSV with a header row",
};

/** What a compressed file was wrapped in, outermost first. */
export type Wrapping = "gz" | "zip" | "zst";

/** The file behind a trace. */
export interface TraceFile {
  /** As the user named it; `-` is standard input. */
  readonly path: string;
  /** The name without folders, for reports. */
  readonly name: string;
  /** Bytes of the file, still packed. */
  readonly bytes: number;
  /** SHA-256 of these bytes, hexadecimal; null where the rest of the file was not needed, and not read. */
  readonly sha256: string | null;
  readonly wrappings: readonly Wrapping[];
  readonly format: TraceFormat;
  /** Of an `.rmt`. */
  readonly profile: "canonical" | "raw" | null;
}

/** What stands for the file of a trace that a workload makes while it is read. */
export interface GeneratedOrigin {
  /** As the user named the workload: shipped, or a file. */
  readonly path: string;
  /** Without folders, for reports. */
  readonly name: string;
  readonly format: "workload";
  readonly workload: string;
  /** SHA-256 of the workload in its canonical form. */
  readonly hash: string;
  readonly seed: number;
  /** SHA-256 of the compiled program, hexadecimal: the same program makes the same trace. Null where the rest was not needed, and not made. */
  readonly sha256: string | null;
}

/** Where a trace came from. */
export type TraceOrigin = TraceFile | GeneratedOrigin;

/** A trace that went through a pipeline: where it came from, and what the pipeline found. */
export interface TraceRun extends PipelineResult {
  readonly file: TraceOrigin;
}

/** What `inspect` shows. */
export interface Inspection {
  readonly file: TraceOrigin;
  readonly header: Readonly<Record<string, string>>;
  readonly report: ImportReport;
  readonly analysis: TraceAnalysis;
  /** Of `--find-transactions`. */
  readonly search?: InspectedSearch;
  /** Where they were asked for. */
  readonly callSites?: CallSiteRanking;
}

/** What a search for transactions found: every level of each thread, and the phases at the levels chosen. */
export type InspectedSearch = Omit<TransactionSearch, "boundaries">;

/** What `convert` did. */
export interface Conversion {
  readonly from: TraceOrigin;
  readonly to: { readonly path: string; readonly format: "rmt" | "csv"; readonly bytes: number };
  readonly sourceEvents: number;
  readonly resultEvents: number;
  readonly report: ImportReport;
}

/** What `generate` made. */
export interface Generation {
  readonly workload: string;
  /** SHA-256 of the workload in its canonical form. */
  readonly hash: string;
  readonly seed: number;
  readonly to: { readonly path: string; readonly format: "rmt" | "csv"; readonly bytes: number };
  readonly events: number;
  readonly seconds: number;
}
