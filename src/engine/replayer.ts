import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { AllocatorError, Interrupted, ReplayError } from "../errors.js";
import type { Allocator } from "./allocators.js";
import { BUILD_REMEDY, builtPath } from "./built.js";

export type { Hello, MemorySample, Pass, ReliefFrame } from "./frames.js";

import {
  type Failure,
  type Frame,
  type Hello,
  type MemorySample,
  type Pass,
  type Progress,
  parseFrame,
  type ReliefFrame,
  type RoundResult,
} from "./frames.js";

export type RoundMode = "timed" | "memory" | "check" | "latency";
export type ReplayOrder = "free" | "recorded";
export type Touch = "first" | "page" | "all" | "none";
export type Speed = "max" | "1x";

/** One round: one fresh process on one plan. */
export interface RoundRequest {
  readonly allocator: Allocator;
  readonly mode: RoundMode;
  readonly planPath: string;
  readonly order: ReplayOrder;
  readonly warmPasses: number;
  readonly touch: Touch;
  readonly speed: Speed;
  /** After the last pass of a memory round, wait so long and look again. */
  readonly idleMs: number;
  /** Memory round: look at the times of the trace, too. */
  readonly times?: boolean;
  /** Memory round: have the allocator give memory back as the early warning says. */
  readonly relief?: ReliefRequest;
}

export interface ReliefRequest {
  readonly limitBytes: number;
  /** What the process takes without an allocator. */
  readonly bareBytes: number;
}

export interface RoundOutcome {
  readonly hello: Hello;
  readonly passes: readonly Pass[];
  readonly samples: readonly MemorySample[];
  readonly reliefs: readonly ReliefFrame[];
  readonly result: RoundResult;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onSample?: (sample: MemorySample, index: number) => void;
}

/** Plays one round. The real one starts the replay executable; tests play their own. */
export type RoundRunner = (request: RoundRequest, options?: RunOptions) => Promise<RoundOutcome>;

/** The replay executable: `$RUSTYDB_MEM_REPLAY`, or where the build puts it. Throws ReplayError `not-built`. */
export function replayExecutable(): string {
  const path = builtPath("rustydb-mem-replay", "RUSTYDB_MEM_REPLAY");
  if (!existsSync(path)) {
    throw new ReplayError("not-built", "none", `the replay executable ${path} does not exist`, {
      remedy: BUILD_REMEDY,
    });
  }
  return path;
}

/**
 * The environment of a replay process: the same few variables whoever starts it, so that neither a preloaded
 * library nor an allocator's setting of the caller's shell gets into a measurement, then the allocator's own.
 */
function childEnvironment(allocator: Allocator): Record<string, string> {
  const environment: Record<string, string> = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  // Where a peer's own dependencies may lie.
  const libraryPath = process.env.LD_LIBRARY_PATH;
  if (libraryPath !== undefined) environment.LD_LIBRARY_PATH = libraryPath;
  Object.assign(environment, allocator.environment);
  if (allocator.library !== undefined) environment.LD_PRELOAD = allocator.library.path;
  return environment;
}

function childArguments(request: RoundRequest): string[] {
  const passes = request.mode === "timed" ? ["--warm", String(request.warmPasses)] : [];
  const idle = request.mode === "memory" && request.idleMs > 0 ? ["--idle", String(request.idleMs)] : [];
  const times = request.mode === "memory" && request.times ? ["--times"] : [];
  const { relief } = request;
  const relieve =
    request.mode === "memory" && relief !== undefined
      ? ["--relieve", String(Math.round(relief.limitBytes)), "--bare", String(Math.round(relief.bareBytes))]
      : [];
  return [
    ...["--plan", request.planPath, "--route", request.allocator.route, "--mode", request.mode],
    ...["--order", request.order, "--touch", request.touch, "--speed", request.speed],
    ...passes,
    ...idle,
    ...times,
    ...relieve,
    ...(request.allocator.config === undefined ? [] : ["--config", request.allocator.config.path]),
    "--parent-death",
  ];
}

/** A frame is some hundred bytes; a line that grows beyond this is none. */
const MAX_LINE_BYTES = 1 << 16;
const STDERR_TAIL_BYTES = 4096;
/** A replay process looks at its stop flag many times a second; one that does not answer is killed. */
const STOP_GRACE_MS = 2000;

/** The library that answers malloc in a process, where it is not the one that was asked for. */
function wrongLibrary(allocator: Allocator, hello: Hello): string | undefined {
  if (allocator.library === undefined) return undefined;
  let answering = hello.mallocLibrary;
  try {
    answering = realpathSync(answering);
  } catch {
    // Not a file (a statically linked malloc, say): compared, and named, as the process told it.
  }
  return answering === allocator.library.realPath ? undefined : answering;
}

function preloadError(allocator: Allocator, answering: string, stderr: string): AllocatorError {
  const loader = stderr.split("\n").find((line) => line.includes("LD_PRELOAD"));
  const reason = loader === undefined ? "it defines no malloc, or another library came first" : loader.trim();
  return new AllocatorError(
    "preload-failed",
    allocator.name,
    `${allocator.library?.path} was preloaded for ${allocator.name}, but malloc is answered by ${answering}: ${reason}`,
    { remedy: "Nothing was measured. Check the library with ldd and nm -D." },
  );
}

class RoundReader {
  hello: Hello | undefined;
  result: RoundResult | undefined;
  failure: Failure | undefined;
  garbage: string | undefined;
  stopped = false;
  readonly passes: Pass[] = [];
  readonly samples: MemorySample[] = [];
  readonly reliefs: ReliefFrame[] = [];
  private rest = "";

  constructor(private readonly options: RunOptions) {}

  /** False when what came is not our language: the process is to be stopped. */
  take(text: string): boolean {
    if (this.garbage !== undefined) return false;
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() as string;
    for (const line of lines) {
      const frame = parseFrame(line);
      if (
        frame === undefined ||
        (this.hello === undefined && frame.frame !== "hello" && frame.frame !== "failure")
      ) {
        this.garbage = line;
        return false;
      }
      this.takeFrame(frame);
    }
    if (this.rest.length > MAX_LINE_BYTES) this.garbage = this.rest;
    return this.garbage === undefined;
  }

  private takeFrame(frame: Frame): void {
    switch (frame.frame) {
      case "hello":
        this.hello = frame;
        break;
      case "progress":
        this.options.onProgress?.(frame);
        break;
      case "pass":
        this.passes.push(frame);
        break;
      case "sample":
        this.samples.push(frame);
        this.options.onSample?.(frame, this.samples.length - 1);
        break;
      case "relief":
        this.reliefs.push(frame);
        break;
      case "result":
        this.result = frame;
        break;
      case "failure":
        this.failure = frame;
        break;
      case "stopped":
        this.stopped = true;
        break;
    }
  }
}

/** Signals that a process brings on itself; others come from somebody else. */
const CRASHES: ReadonlySet<NodeJS.Signals> = new Set([
  "SIGSEGV",
  "SIGABRT",
  "SIGBUS",
  "SIGILL",
  "SIGFPE",
  "SIGTRAP",
  "SIGSYS",
]);

function describeEnd(code: number | null, signal: NodeJS.Signals | null, stopped: boolean): string {
  if (stopped) return "was told to stop by another process";
  if (signal === "SIGKILL") return "was killed (SIGKILL; the kernel does that when memory runs out)";
  if (signal !== null) return `${CRASHES.has(signal) ? "crashed with" : "was killed by"} ${signal}`;
  return `ended with exit code ${code} and no result`;
}

function tailOf(stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-3).join("\n");
  return lines === "" ? "" : `: ${lines}`;
}

/**
 * Starts the replay executable for one round and reads what it says. Throws ReplayError when it fails, crashes
 * (`crashed`), is killed from outside (`killed`), or speaks another language (`bad-frame`); AllocatorError `preload-failed`; Interrupted when
 * the signal was raised. No process is left behind in any case.
 */
export const runRound: RoundRunner = async (request, options = {}) => {
  const { allocator } = request;
  if (options.signal?.aborted) throw new Interrupted();
  const child = spawn(replayExecutable(), childArguments(request), {
    env: childEnvironment(allocator),
    stdio: ["ignore", "pipe", "pipe"],
  });

  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill("SIGTERM");
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  };
  options.signal?.addEventListener("abort", stop, { once: true });

  const reader = new RoundReader(options);
  let stderr = "";
  /** The library that answers malloc where it is not the one that was asked for; null: it is. */
  let answering: string | null | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (!reader.take(text)) stop();
    if (answering === undefined && reader.hello !== undefined) {
      answering = wrongLibrary(allocator, reader.hello) ?? null;
      if (answering !== null) stop();
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_BYTES);
  });

  let end: { code: number | null; signal: NodeJS.Signals | null };
  try {
    end = await new Promise((resolve, reject) => {
      child.once("error", (cause) => {
        reject(
          new ReplayError(
            "not-started",
            allocator.name,
            `the replay process could not be started: ${cause.message}`,
            { cause },
          ),
        );
      });
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
  } finally {
    clearTimeout(killTimer);
    options.signal?.removeEventListener("abort", stop);
  }

  if (options.signal?.aborted) throw new Interrupted();
  if (reader.garbage !== undefined) {
    throw new ReplayError(
      "bad-frame",
      allocator.name,
      `the replay process of ${allocator.name} said what is no frame: ${JSON.stringify(reader.garbage.slice(0, 80))}`,
    );
  }
  if (typeof answering === "string") throw preloadError(allocator, answering, stderr);
  if (reader.failure !== undefined) {
    const { code, message, event } = reader.failure;
    throw new ReplayError(
      code,
      allocator.name,
      `${allocator.name}: ${message}`,
      event === undefined ? {} : { event },
    );
  }
  if (end.code !== 0 || reader.hello === undefined || reader.result === undefined) {
    const fromOutside = reader.stopped || (end.signal !== null && !CRASHES.has(end.signal));
    throw new ReplayError(
      fromOutside ? "killed" : "crashed",
      allocator.name,
      `the replay process of ${allocator.name} (${request.mode} round) ${describeEnd(end.code, end.signal, reader.stopped)}${tailOf(stderr)}`,
    );
  }
  const { hello, result, passes, samples, reliefs } = reader;
  return { hello, passes, samples, reliefs, result };
};
