import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { UserError } from "../errors.js";
import type { RecordedProcess, RecordingTotals, StopReason } from "../trace/recording.js";
import { BUILD_REMEDY, builtPath } from "./built.js";
import { parseRecordFrame, type RecordFrame } from "./recorder-frames.js";

/** A program to be recorded, and how. Times in ns; 0 and undefined are no limit. */
export interface RecordRequest {
  /** The program as a path, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Raw file of the first process; others get .PID behind it. */
  readonly rawPath: string;
  readonly onFull: "wait" | "drop";
  readonly afterNs?: number;
  readonly forNs?: number;
  readonly maxEvents?: number;
  readonly maxBytes?: number;
  /** Memory samples in the recording, so far apart. */
  readonly sampleNs?: number;
  /** Prefix of an allocator whose functions are recorded too. */
  readonly symbols?: string;
  /** Mean distance, in allocated bytes of a thread, of the call stacks that are taken; 1: one at every allocation. */
  readonly stackBytes?: number;
  /** Transactions of libsqlite3's connections are marked. */
  readonly markers?: "sqlite";
  /** An open file that takes what the program writes, in the place of our own standard output and error. */
  readonly output?: number;
  /** The program reads nothing, because the terminal's keys are somebody else's. */
  readonly withoutInput?: boolean;
}

export interface RecordOptions {
  readonly onProgress?: (totals: RecordingTotals) => void;
  /** The recording stops, the program goes on. */
  readonly onNotice?: (sentence: string) => void;
  /** Once the program itself is over: ends the recording of the children that it left behind. */
  readonly signal?: AbortSignal;
}

export interface RecordOutcome {
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  readonly processes: readonly RecordedProcess[];
  readonly stopped: StopReason | undefined;
  /** The collector ended before its work was done: `processes` is not complete. */
  readonly collectorLost: boolean;
  /** Sentences about what went wrong beside the program. */
  readonly failures: readonly string[];
  /** Of the C library's malloc in a short loop on this machine. */
  readonly mallocNsPerEvent: number;
}

const STOP_SENTENCES: Readonly<Record<StopReason, string>> = {
  for: "the time of --for is over",
  "max-events": "--max-events is reached",
  "max-size": "--max-size is reached",
  asked: "it was told to stop",
};

/** Signals that go on to the program; the terminal sends its own to the program itself. */
const PASSED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT"];
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/** Exit code of a program as a shell tells it. */
export function exitCodeOf({ code, signal }: RecordOutcome["exit"]): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

function part(name: string, variable: string): string {
  const path = builtPath(name, variable);
  if (existsSync(path)) return path;
  throw new UserError("not-built", `the recorder is not built (no ${path})`, {
    remedy: BUILD_REMEDY,
  });
}

/** The collector while it runs: what it said, and its end. */
class Collector {
  readonly processes: RecordedProcess[] = [];
  readonly failures: string[] = [];
  stopped: StopReason | undefined;
  mallocNsPerEvent = 0;
  private folder: ((path: string) => void) | undefined;
  complete = false;
  readonly ready: Promise<string>;
  readonly ended: Promise<void>;

  constructor(
    private readonly child: ChildProcess,
    private readonly options: RecordOptions,
  ) {
    const { stdout } = child;
    if (stdout === null) throw new Error("the collector has no standard output");
    const lines = createInterface({ input: stdout });
    lines.on("line", (line) => {
      const frame = parseRecordFrame(line);
      if (frame === undefined)
        this.failures.push(`the collector said what is no frame: ${line.slice(0, 80)}`);
      else this.take(frame);
    });
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        if (!this.complete) this.failures.push(`the collector ended with ${signal ?? `exit code ${code}`}`);
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.folder = resolve;
      this.ended.then(
        () => reject(new UserError("no-collector", this.failures.join("; "))),
        (cause: Error) =>
          reject(new UserError("no-collector", `the collector could not be started: ${cause.message}`)),
      );
    });
  }

  /** The program is over. What it left behind is waited for until the signal comes. */
  async finish(signal?: AbortSignal): Promise<void> {
    const leave = (): void => void this.child.kill("SIGTERM");
    signal?.addEventListener("abort", leave);
    this.child.stdin?.end();
    try {
      await this.ended;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  /** Nothing was started: there is nothing to wait for. */
  async abandon(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.finish();
  }

  private take(frame: RecordFrame): void {
    switch (frame.frame) {
      case "ready":
        this.folder?.(frame.folder);
        break;
      case "progress":
        this.options.onProgress?.(frame);
        break;
      case "stopped":
        this.stopped = frame.why;
        this.options.onNotice?.(`${STOP_SENTENCES[frame.why]}; the program goes on unrecorded`);
        break;
      case "failure":
        this.failures.push(frame.message);
        this.options.onNotice?.(`${frame.message}; the program goes on unrecorded`);
        break;
      case "process":
        this.processes.push(frame);
        break;
      case "end":
        this.mallocNsPerEvent = frame.mallocNsPerEvent;
        this.complete = true;
        break;
    }
  }
}

function startCollector(request: RecordRequest, options: RecordOptions): Collector {
  const numbers: readonly [string, number | undefined][] = [
    ["--after-ns", request.afterNs],
    ["--for-ns", request.forNs],
    ["--max-events", request.maxEvents],
    ["--max-bytes", request.maxBytes],
    ["--sample-ns", request.sampleNs],
  ];
  const words = numbers.flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(Math.round(value))],
  );
  const child = spawn(
    part("rustydb-mem-collector", "RUSTYDB_MEM_COLLECTOR"),
    ["--out", request.rawPath, "--on-full", request.onFull, ...words],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin?.on("error", () => undefined); // It may be gone already; its end is looked at.
  return new Collector(child, options);
}

/**
 * A path that LD_PRELOAD can carry: a link in the collector's folder where ours has a space or a colon in it. The collector
 * removes what is in its folder, when nobody can need it any more.
 */
function preloadable(library: string, folder: string): string {
  if (!/[\s:]/.test(library)) return library;
  const link = join(folder, "recorder.so");
  symlinkSync(library, link);
  return link;
}

/**
 * While the program runs its signals are its own: ours neither stop it twice nor stop us. Called before it starts, and never without a
 * listener: a signal that came just then would be lost.
 */
function passSignals(program: () => ChildProcess | undefined): () => void {
  const terminal = process.stdin.isTTY === true || process.stderr.isTTY === true;
  const restores = [...PASSED, ...FROM_TERMINAL].map((signal) => {
    const before = process.listeners(signal) as NodeJS.SignalsListener[];
    const pass = (): void => {
      if (!terminal || !FROM_TERMINAL.includes(signal)) program()?.kill(signal);
    };
    process.on(signal, pass);
    for (const listener of before) process.off(signal, listener);
    return () => {
      for (const listener of before) process.on(signal, listener);
      process.off(signal, pass);
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

function programEnvironment(library: string, folder: string, request: RecordRequest): NodeJS.ProcessEnv {
  const { symbols, stackBytes, markers } = request;
  const environment: NodeJS.ProcessEnv = { ...process.env };
  delete environment.RUSTYDB_MEM_RECORD;
  environment.RUSTYDB_MEM_RECORD_DIR = folder;
  environment.LD_PRELOAD = [library, process.env.LD_PRELOAD ?? ""].filter((each) => each !== "").join(":");
  if (symbols !== undefined) environment.RUSTYDB_MEM_SYMBOLS = symbols;
  if (stackBytes !== undefined) environment.RUSTYDB_MEM_STACKS = String(stackBytes);
  if (markers !== undefined) environment.RUSTYDB_MEM_MARKERS = markers;
  return environment;
}

/**
 * Runs a program, its standard streams untouched where nothing else is asked for, under the recorder, and waits until it and every child of it that is
 * recorded are over. Throws UserError `not-built`, `no-collector` or `not-started`; what goes wrong later stops the
 * recording, never the program, and stands in `failures`.
 */
export async function recordProgram(
  request: RecordRequest,
  options: RecordOptions = {},
): Promise<RecordOutcome> {
  const library = part("librustydb_mem_record.so", "RUSTYDB_MEM_RECORDER");
  const collector = startCollector(request, options);
  const folder = await collector.ready;
  try {
    const [program, ...words] = request.command;
    let child: ChildProcess | undefined;
    const restoreSignals = passSignals(() => child);
    let exit: RecordOutcome["exit"];
    try {
      const started = spawn(program, words, {
        stdio: [
          request.withoutInput === true ? "ignore" : "inherit",
          request.output ?? "inherit",
          request.output ?? "inherit",
        ],
        env: programEnvironment(preloadable(library, folder), folder, request),
      });
      child = started;
      exit = await new Promise((resolve, reject) => {
        started.once("error", (cause) =>
          reject(
            new UserError("not-started", `${program} could not be started: ${cause.message}`, { cause }),
          ),
        );
        started.once("exit", (code, signal) => resolve({ code, signal }));
      });
    } finally {
      restoreSignals();
    }
    await collector.finish(options.signal);
    const collectorLost = !collector.complete;
    if (collectorLost) rmSync(folder, { recursive: true, force: true });
    const { processes, stopped, failures, mallocNsPerEvent } = collector;
    return { exit, processes, collectorLost, stopped, failures, mallocNsPerEvent };
  } catch (error) {
    await collector.abandon();
    throw error;
  }
}
