import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The tool as a person starts it: bin/rustydb-mem.js in a process of its own. */

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const bin = join(root, "bin", "rustydb-mem.js");
export const built = (name: string): string => join(root, "build", "Release", name);

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A folder for one test, gone when the test is; what it starts has its TMPDIR in it. Made inside of a test. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), "cli-test-"));
  readonly temporary = mkdtempSync(join(this.path, "tmp-"));

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** What a run left in its TMPDIR. */
  leftBehind(): string[] {
    return readdirSync(this.temporary);
  }
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

export interface StartOptions {
  readonly scratch?: Scratch;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly command?: readonly string[];
}

/** Starts the tool, its output piped, without a standard input. */
export function startTool(args: readonly string[], options: StartOptions = {}): Running {
  const sinceMs = performance.now();
  const [command = "", ...before] = options.command ?? [process.execPath, bin];
  const child = spawn(command, [...before, ...args], {
    cwd: options.cwd ?? root,
    env: {
      ...process.env,
      ...(options.scratch ? { TMPDIR: options.scratch.temporary } : {}),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr, ms: performance.now() - sinceMs });
    });
  });
  return { child, outcome };
}

export const runTool = (args: readonly string[], options: StartOptions = {}): Promise<Outcome> =>
  startTool(args, options).outcome;

/** Replay processes alive whose plan lies in the scratch folder. */
export function replaysIn(scratch: Scratch): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return (
          words[0]?.endsWith("rustydb-mem-replay") && words.some((word) => word.startsWith(scratch.path))
        );
      } catch {
        return false; // ended while we looked
      }
    })
    .map(Number);
}

/** Waits until `what` gives something, looking 100 times a second. */
export async function eventually<T>(
  what: () => T | undefined | false,
  withinMs: number,
  name: string,
): Promise<T> {
  const sinceMs = performance.now();
  for (;;) {
    const found = what();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - sinceMs > withinMs) throw new Error(`${name}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
