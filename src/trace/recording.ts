import type { ImportReport } from "../native.js";

/** Why a recording stopped before its program did. */
export const RECORD_STOPS = ["for", "max-events", "max-size", "asked"] as const;
export type StopReason = (typeof RECORD_STOPS)[number];

/** What the collector knows of one process that was recorded. */
export interface RecordedProcess {
  /** Its raw recording. */
  readonly path: string;
  readonly pid: number;
  readonly parentPid: number;
  /** Made by fork from a process that was recorded too. */
  readonly forked: boolean;
  readonly program: string;
  readonly events: number;
  readonly threads: number;
  /** Events that found no room. */
  readonly dropped: number;
  readonly damagedRings: number;
  /** The collector did not answer, and the process stopped recording. */
  readonly gaveUp: boolean;
  /** Blocks that it had from its parent. */
  readonly inheritedBlocks: number;
  readonly durationNs: number;
  readonly cpuNs: number;
  /** Without the recorder's own memory; 0 where the process was too short to be looked at. */
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  readonly bytes: number;
}

/** What all processes of a recording under way came to so far. */
export interface RecordingTotals {
  readonly events: number;
  readonly bytes: number;
  /** Events that found no room. */
  readonly dropped: number;
  readonly processes: number;
  readonly alive: number;
  /** Of those alive, without the recorder's own memory. */
  readonly residentBytes: number;
  readonly recording: boolean;
}

/** A recorded process whose trace is complete. */
export interface RecordedTrace {
  readonly process: RecordedProcess;
  readonly trace: { readonly path: string; readonly bytes: number; readonly events: number };
  readonly peakLiveBytes: number;
  readonly report: ImportReport;
  /** Estimates; null where they can't be made. */
  readonly shareOfResident: number | null;
  readonly shareOfCpu: number | null;
}

/** What `record` did. */
export interface Recording {
  readonly command: readonly string[];
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly traces: readonly RecordedTrace[];
  readonly stopped: StopReason | null;
  readonly warnings: readonly string[];
  readonly mallocNsPerEvent: number;
}
