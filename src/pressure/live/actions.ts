import { type ChildProcess, spawn } from "node:child_process";
import type { PressureAction, PressureState } from "../../native/pressure.js";
import type { PressureSource } from "./source.js";

export interface ActionOptions {
  /** Run by `sh -c`. */
  readonly command: string;
  /** Say what would be run, and run nothing. */
  readonly dryRun: boolean;
  /** After it the program is told to end, and killed a little later. */
  readonly timeoutMs: number;
}

/** What became of a program. */
export interface ActionReport {
  readonly action: PressureAction;
  readonly outcome: "done" | "failed" | "skipped" | "dry-run";
  /** A sentence. */
  readonly text: string;
}

/** Of what the program writes, so much is kept to be shown where it fails. */
const OUTPUT_KEPT = 2000;
const KILL_AFTER_MS = 5000;

/** What the program finds in its environment; documented in docs/watch.md. */
export function actionEnvironment(
  state: PressureState,
  previous: PressureAction,
  source: Pick<PressureSource, "name" | "pid" | "cgroup">,
): Record<string, string> {
  const inAMinute = state.horizons.find(({ horizonS }) => horizonS === 60);
  const { reason, limitBytes, usedBytes, timeToCritical } = state;
  const text = (value: number | null | undefined): string => (value == null ? "" : String(Math.round(value)));
  return {
    RUSTYDB_MEM_ACTION: state.action,
    RUSTYDB_MEM_PREVIOUS_ACTION: previous,
    RUSTYDB_MEM_LEVEL: state.level,
    RUSTYDB_MEM_REASON: reason?.kind ?? "",
    RUSTYDB_MEM_USED: text(usedBytes),
    RUSTYDB_MEM_LIMIT: text(limitBytes),
    RUSTYDB_MEM_FORECAST_60S: text(inAMinute?.usedBytes),
    RUSTYDB_MEM_TIME_TO_CRITICAL: text(timeToCritical?.earliestS),
    RUSTYDB_MEM_SOURCE: source.name,
    RUSTYDB_MEM_PID: source.pid === undefined ? "" : String(source.pid),
    RUSTYDB_MEM_CGROUP: source.cgroup ?? "",
  };
}

/**
 * Runs a program at each change of the action, up and down, `none` included: whoever began to evict wants to know when to
 * stop. The programs of different actions may overlap, for an emergency does not wait; two of the same action never do.
 */
export class ActionRunner {
  private action: PressureAction = "none";
  private readonly running = new Map<PressureAction, Promise<void>>();

  constructor(
    private readonly options: ActionOptions,
    private readonly source: Pick<PressureSource, "name" | "pid" | "cgroup">,
    private readonly onReport: (report: ActionReport) => void,
  ) {}

  /** To be told of each state. */
  observe(state: PressureState): void {
    const previous = this.action;
    if (state.action === previous) return;
    this.action = state.action;
    const { action } = state;
    const { command, dryRun } = this.options;
    if (dryRun) {
      this.onReport({ action, outcome: "dry-run", text: `would run for ${action}: ${command}` });
    } else if (this.running.has(action)) {
      const text = `not run again for ${action}: its program is still at work`;
      this.onReport({ action, outcome: "skipped", text });
    } else {
      const done = this.run(action, actionEnvironment(state, previous, this.source));
      this.running.set(
        action,
        done.finally(() => this.running.delete(action)),
      );
    }
  }

  /** When all programs have ended; none outlives its time limit by much. */
  async settled(): Promise<void> {
    await Promise.all(this.running.values());
  }

  get busy(): boolean {
    return this.running.size > 0;
  }

  private run(action: PressureAction, environment: Record<string, string>): Promise<void> {
    const { command, timeoutMs } = this.options;
    // A group of its own, so that its children end with it, and Ctrl-C does not reach it.
    const child = spawn("sh", ["-c", command], {
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (text: string): void => {
      output = (output + text).slice(-OUTPUT_KEPT);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      signalGroup(child, "SIGTERM");
      setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER_MS).unref();
    }, timeoutMs);
    const fail = (why: string): void => {
      const last = output.trim().split("\n").at(-1) ?? "";
      const text = `the program for ${action} ${why}${last === "" ? "" : `: ${last}`}`;
      this.onReport({ action, outcome: "failed", text });
    };
    return new Promise((resolve) => {
      child.once("error", (error) => {
        clearTimeout(timer);
        fail(`could not be started (${error.message})`);
        resolve();
      });
      // Not "close": what it left in the background may hold its pipes open.
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        // What it wrote last is still on its way.
        setImmediate(() => {
          child.stdout.destroy();
          child.stderr.destroy();
          if (late) fail(`took longer than ${timeoutMs / 1000} s and was stopped`);
          else if (signal !== null) fail(`was killed by ${signal}`);
          else if (code !== 0) fail(`ended with ${code}`);
          else this.onReport({ action, outcome: "done", text: `ran the program for ${action}` });
          resolve();
        });
      });
    });
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended by itself in between.
  }
}
