import { createHash } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Preload } from "./allocators.js";
import { cpuSeconds, hasMapped, type Memory, MemoryMeter, processTree, readProc } from "./processes.js";
import type { Running, Session } from "./session.js";

/** A real program under a load that is the same each time. */

/** What one run of a load cost. */
export interface Figures extends Memory {
  readonly operations: number;
  /** Of the load, as its client saw it. */
  readonly seconds: number;
  /** CPU time of the server and its children during the load. */
  readonly cpuSeconds: number;
  /** The same from its start on. */
  readonly lifeCpuSeconds: number;
}

/** How the program proper, not its clients, is started. */
export interface Launch {
  wrap(words: readonly string[]): readonly string[];
  /** Called with its process id before the load of a server, and while a program that ends by itself runs. */
  started?(pid: number): void | Promise<void>;
}

export interface Load {
  readonly name: string;
  readonly operation: string;
  /** A sentence: what is done how often at size 1. */
  readonly what: string;
}

/** Runs one load in a fresh process and ends it. */
export type Runner = (load: string, launch: Launch) => Promise<Figures>;

export interface Program {
  readonly name: string;
  /** Whom it runs as where we are root. */
  readonly user?: string;
  readonly packages: readonly string[];
  readonly needs: readonly string[];
  readonly loads: readonly Load[];
  version(session: Session): Promise<string>;
  /** Makes what all runs begin with; `size` times the operations of `what` are done. */
  prepare(session: Session, size: number): Promise<Runner>;
}

/** A share of `count`, at least `least`. */
export const scaled = (count: number, size: number, least = 1): number =>
  Math.max(least, Math.round(count * size));

/**
 * With the allocator preloaded, out of the session's folder: a user who may not read the repository can load it from
 * there. A program that runs without it, as one with other privileges does, is an error. `under` are words in front.
 */
export function preloaded(session: Session, { library }: Preload, under: readonly string[] = []): Launch {
  const name = basename(library);
  // The loader knows its own C library only by its own path.
  const copy = /^libc\.so/.test(name) ? library : join(session.folder, name);
  if (copy !== library) copyFileSync(library, copy);
  return {
    wrap: (words) => ["env", `LD_PRELOAD=${copy}`, ...under, ...words],
    started: (pid) => {
      if (!hasMapped(pid, copy)) throw new Error(`process ${pid} runs without ${copy}`);
    },
  };
}

export function startServer(session: Session, launch: Launch, words: readonly string[]): Running {
  const [command = "", ...args] = launch.wrap(words);
  return session.start(command, args);
}

/** Measures a server that runs while `work` loads it, which gives back how many operations it did. */
export async function measureServer(
  pid: number,
  launch: Launch,
  work: () => Promise<number>,
): Promise<Figures> {
  await launch.started?.(pid);
  const meter = new MemoryMeter(pid);
  let memory: Memory | undefined;
  try {
    const before = cpuSeconds(pid);
    const since = performance.now();
    const operations = await work();
    const seconds = (performance.now() - since) / 1000;
    const after = cpuSeconds(pid);
    memory = meter.end();
    return { operations, seconds, cpuSeconds: after - before, lifeCpuSeconds: after, ...memory };
  } finally {
    if (memory === undefined) meter.end();
  }
}

/**
 * Runs a program that ends by itself, and measures it and its children. The shell stands beside it, not in front: its
 * `time` asks the kernel for the CPU time of what it waited for.
 */
export async function measureBatch(
  session: Session,
  launch: Launch,
  words: readonly string[],
  operations: number,
): Promise<Figures> {
  const times = join(session.folder, "times");
  const script = 'TIMEFORMAT="%3R %3U %3S"; exec 4>&2; { time "$@" 2>&4; } 2> "$0"';
  const shell = session.start("bash", ["-c", script, times, ...launch.wrap(words)]);
  const shellPid = shell.child.pid as number;
  const meter = new MemoryMeter(shellPid, (pid) => pid !== shellPid);
  let memory: Memory | undefined;
  let how: number | string | undefined;
  let told = false;
  try {
    while (how === undefined) {
      const pid = processTree(shellPid).at(-1) ?? shellPid;
      if (!told && isLoaded(pid)) {
        await launch.started?.(pid);
        told = true;
      }
      how = await Promise.race([shell.ended, sleep(5, undefined)]);
    }
  } finally {
    memory = meter.end();
  }
  if (how !== 0) throw new Error(`${words[0]} ended with ${how}:\n${shell.said()}`);
  if (!told) throw new Error(`${words[0]} ended before it was seen`);
  const [seconds = Number.NaN, user = Number.NaN, system = Number.NaN] = readFileSync(times, "utf8")
    .trim()
    .split(" ")
    .map(Number);
  const cpu = user + system;
  return { operations, seconds, cpuSeconds: cpu, lifeCpuSeconds: cpu, ...memory };
}

/** Whether the program proper runs, and its loader has come as far as the C library, behind all that is preloaded. */
const isLoaded = (pid: number): boolean =>
  !/^(env|bash|sh|perf.*)\n$/.test(readProc(pid, "comm")) && hasMapped(pid, "/libc.so.6");

export const hashOf = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
