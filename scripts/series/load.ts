import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../src/statistics/random.js";
import { readProc } from "../programs/processes.js";
import type { Session as ServerSession } from "../programs/session.js";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { ServerSession as Servers } from "../servers/session.mjs";

/** A program whose memory is recorded while it is under a load. */
export interface SeriesLoad {
  readonly name: string;
  /** Whom it runs as where we are root. */
  readonly user?: string;
  readonly packages: readonly string[];
  readonly needs: readonly string[];
  /** What it may use: a process that stays above it is killed, as one in a container would be. */
  readonly limitBytes: number;
  /** A sentence. */
  readonly what: string;
  version(session: Session): Promise<string>;
  /** Brings it up, and gives back the process to watch and what keeps it busy until `clock` is over. */
  start(session: Session, clock: Clock): Promise<{ pid: number; drive: () => Promise<void> }>;
}

/** A folder, an unprivileged user, and what runs as it. */
export interface Session extends ServerSession {
  readonly user: { readonly uid?: number; readonly gid?: number };
}

export const openSession = (user: string | undefined): Session => new Servers(user) as Session;

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** How long a load goes on, and what happens in it: the same for the same seed. */
export class Clock {
  over = false;
  readonly random: Random;
  private since = performance.now();

  constructor(
    readonly seconds: number,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  /** Counts from now on: what came before was to bring the program up. */
  begin(): void {
    this.since = performance.now();
  }

  get passedS(): number {
    return (performance.now() - this.since) / 1000;
  }

  /** Uniform. */
  between(low: number, high: number): number {
    return low + (high - low) * (this.random.nextUint32() / 2 ** 32);
  }

  whole(low: number, high: number): number {
    return Math.min(high, Math.floor(this.between(low, high + 1)));
  }

  /** Waits, but not beyond the end; false when it is over. */
  async wait(seconds: number): Promise<boolean> {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      if (this.passedS >= this.seconds) this.over = true;
      const leftMs = until - performance.now();
      if (this.over || leftMs <= 0) return !this.over;
      await sleep(Math.min(leftMs, 200));
    }
  }
}

/** Anonymous and shared memory of a process, as `watch --pid` counts it; undefined where it has ended. */
export function usedBytes(pid: number): number | undefined {
  const status = readProc(pid, "status");
  const of = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  const anonymous = of("RssAnon");
  return anonymous === undefined ? undefined : anonymous + (of("RssShmem") ?? 0);
}

/** A program that answers on a pipe: psql, or the shell of SQLite. */
export class Shell {
  private readonly child: ChildProcess;
  private said = "";
  private answered: (() => void) | undefined;
  private asked = 0;
  private ended = false;

  /** @param mark words that make it print what stands behind them */
  constructor(
    session: Session,
    command: string,
    args: readonly string[],
    private readonly mark: string,
  ) {
    this.child = spawn(command, args, {
      cwd: session.folder,
      env: { ...process.env, HOME: session.folder },
      stdio: ["pipe", "pipe", "pipe"],
      ...session.user,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.said = (this.said + text).slice(-20_000);
        if (this.said.includes(this.token)) this.answered?.();
      });
    }
    this.child.stdin?.on("error", () => undefined); // it has ended, which "close" tells
    const end = (): void => {
      this.ended = true;
      this.answered?.();
    };
    this.child.on("error", end).on("close", end);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  private get token(): string {
    return `=answered ${this.asked}=`;
  }

  /** What it prints while it does this. */
  async ask(text: string): Promise<string> {
    if (this.ended) return "";
    this.asked += 1;
    this.said = "";
    const answer = new Promise<void>((resolve) => {
      this.answered = resolve;
    });
    this.child.stdin?.write(`${text}\n${this.mark} '${this.token}'\n`);
    await answer;
    return this.said.replace(new RegExp(`^.*${this.token}.*$`, "m"), "").trim();
  }

  close(): void {
    this.child.stdin?.end();
    this.child.kill();
  }
}
