import { type ChildProcess, spawn } from "node:child_process";
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
export function childEnvironment(allocator: Allocator): Record<string, string> {
  const environment: Record<string, string> = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  // Where a peer's own dependencies may lie.
  const libraryPath = process.env.LD_LIBRARY_PATH;
  if (libraryPath !== undefined) environment.LD_LIBRARY_PATH = libraryPath;
  Object.assign(environment, allocator.environment);
  if (allocator.library !== undefined) environment.LD_PRELOAD = allocator.library.path;
  return environment;
}

/** Words for the replay executable. */
export function childArguments(request: RoundRequest): string[] {
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
export function wrongLibrary(allocator: Allocator, hello: Hello): string | undefined {
  if (allocator.library === undefined) return undefined;
  let answering = hello.mallocLibrary;
  try {
    answering = realpathSync(answering);
  } catch {
    // Not a file (a statically linked malloc, say): compared, and named, as the process told it.
  }
  return answering === allocator.library.realPath ? undefined : answering;
}

export function preloadError(allocator: Allocator, answering: string, stderr: string): AllocatorError {
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

  constructor(
    private readonly options: RunOptions,
    private readonly onReady?: () => void,
  ) {}

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
      case "ready":
        this.onReady?.();
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

/** A replay process from its start to its end; how it ended is told by `outcome`. No process is left behind in any case. */
class ReplayProcess {
  private readonly child: ChildProcess;
  private readonly reader: RoundReader;
  private readonly ended: Promise<void>;
  private stderr = "";
  /** The library that answers malloc where it is not the one that was asked for; null: it is. */
  private answering: string | null | undefined;
  private end: { code: number | null; signal: NodeJS.Signals | null } = { code: null, signal: null };
  private startFailure: Error | undefined;
  private killTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly request: RoundRequest,
    private readonly options: RunOptions,
    extra: { readonly words: readonly string[]; readonly onReady?: () => void },
  ) {
    if (options.signal?.aborted) throw new Interrupted();
    this.reader = new RoundReader(options, extra.onReady);
    const onRequest = extra.onReady !== undefined;
    this.child = spawn(replayExecutable(), [...childArguments(request), ...extra.words], {
      env: childEnvironment(request.allocator),
      stdio: [onRequest ? "pipe" : "ignore", "pipe", "pipe"],
    });
    // A process that ends while it is asked for more is told of by its end.
    this.child.stdin?.on("error", () => undefined);
    options.signal?.addEventListener("abort", this.stop, { once: true });
    this.listen();
    this.ended = new Promise((resolve) => {
      this.child.once("error", (cause) => {
        this.startFailure = cause;
        resolve();
      });
      this.child.once("close", (code, signal) => {
        this.end = { code, signal };
        resolve();
      });
    });
  }

  /** Asks a round on request for more, or, with nothing, to come to its end. */
  ask(passes?: number): void {
    if (passes === undefined) this.child.stdin?.end();
    else this.child.stdin?.write(`${passes}\n`);
  }

  /** The passes told since the last time. */
  takePasses(): Pass[] {
    return this.reader.passes.splice(0);
  }

  readonly stop = (): void => {
    this.child.kill("SIGTERM");
    this.killTimer ??= setTimeout(() => this.child.kill("SIGKILL"), STOP_GRACE_MS);
  };

  private listen(): void {
    const { child, reader } = this;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (!reader.take(text)) this.stop();
      if (this.answering === undefined && reader.hello !== undefined) {
        this.answering = wrongLibrary(this.request.allocator, reader.hello) ?? null;
        if (this.answering !== null) this.stop();
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_TAIL_BYTES);
    });
  }

  /** Waits for the end and says what came of it; see runRound. */
  async outcome(): Promise<RoundOutcome> {
    await this.ended;
    clearTimeout(this.killTimer);
    this.options.signal?.removeEventListener("abort", this.stop);
    return this.judge();
  }

  private judge(): RoundOutcome {
    const { reader, end, request, stderr, answering } = this;
    const { allocator } = request;
    if (this.startFailure !== undefined) {
      const { message } = this.startFailure;
      throw new ReplayError(
        "not-started",
        allocator.name,
        `the replay process could not be started: ${message}`,
        { cause: this.startFailure },
      );
    }
    if (this.options.signal?.aborted) throw new Interrupted();
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
  }
}

/**
 * Starts the replay executable for one round and reads what it says. Throws ReplayError when it fails, crashes
 * (`crashed`), is killed from outside (`killed`), or speaks another language (`bad-frame`); AllocatorError `preload-failed`; Interrupted when
 * the signal was raised. No process is left behind in any case.
 */
export const runRound: RoundRunner = async (request, options = {}) =>
  new ReplayProcess(request, options, { words: [] }).outcome();

/**
 * A timed round that stays up: the cold pass when it starts, then batches of warm passes when it is asked, so that several allocators
 * can have the machine in turns. Everything throws what runRound throws.
 */
export class RequestedRound {
  private readonly process: ReplayProcess;
  private readonly passes: Pass[] = [];
  private whenReady: () => void = () => undefined;
  private nextReady: Promise<void>;

  /** @param request its warmPasses is the most that one batch may ask for */
  constructor(
    private readonly request: RoundRequest,
    options: RunOptions = {},
  ) {
    this.nextReady = this.expectReady();
    this.process = new ReplayProcess(request, options, {
      words: ["--on-request"],
      onReady: () => this.whenReady(),
    });
  }

  private expectReady(): Promise<void> {
    return new Promise((resolve) => {
      this.whenReady = resolve;
    });
  }

  /** Waits for the cold pass. */
  async started(): Promise<Pass[]> {
    return this.batchDone();
  }

  /** Plays so many warm passes. Resolves when the process sleeps again. */
  async batch(passes: number): Promise<Pass[]> {
    this.nextReady = this.expectReady();
    this.process.ask(passes);
    return this.batchDone();
  }

  private async batchDone(): Promise<Pass[]> {
    // An end before it is ready is a failure, and outcome throws it.
    const ended = this.process.outcome().then(() => {
      const { name } = this.request.allocator;
      const what = `the replay process of ${name} ended before it had played what it was asked for`;
      throw new ReplayError("bad-frame", name, what);
    });
    ended.catch(() => undefined);
    await Promise.race([this.nextReady, ended]);
    const passes = this.process.takePasses();
    this.passes.push(...passes);
    return passes;
  }

  /** Comes to the end: all its passes, and what the allocator counted. */
  async finish(): Promise<RoundOutcome> {
    this.process.ask();
    return { ...(await this.process.outcome()), passes: this.passes };
  }

  /** Ends it early; resolves when the process is gone. */
  async abandon(): Promise<void> {
    this.process.stop();
    await this.process.outcome().catch(() => undefined);
  }
}
