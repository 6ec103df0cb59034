import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What /proc tells of a process and its descendants. What has ended while it was read counts for nothing. */

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const SAMPLE_INTERVAL_MS = 10;
/** Samples between two looks at who the descendants are. */
const SAMPLES_A_LOOK = 5;

/** A file of /proc/PID; empty where the process has ended. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** `pid` and all below it that its main threads started. */
export function processTree(pid: number): number[] {
  const children = readProc(pid, `task/${pid}/children`).trim();
  return [pid, ...(children === "" ? [] : children.split(" ").map(Number).flatMap(processTree))];
}

/**
 * User and system time of the tree since each started, in seconds, those that ended and were waited for included.
 * Their sum is exact in a clock tick (10 ms): the kernel scales both to what the scheduler counted.
 */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const each of processTree(pid)) {
    const stat = readProc(each, "stat");
    // Fields 14 to 17, utime, stime, cutime and cstime; the second, in brackets, may have spaces in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks / ticksPerSecond;
}

function statusBytes(status: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

/** Whether the process has mapped this file. */
export function hasMapped(pid: number, path: string): boolean {
  return readProc(pid, "maps").includes(path);
}

/** Executable address ranges of the mapped file whose path ends so. */
export function codeRanges(pid: number, path: string): { start: bigint; end: bigint; offset: bigint }[] {
  return readProc(pid, "maps")
    .split("\n")
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) .*? (\/.*)$/.exec(line);
      if (match?.[4] === undefined || !match[4].endsWith(path)) return [];
      const [start, end, offset] = match.slice(1, 4).map((hex) => BigInt(`0x${hex}`));
      return start === undefined || end === undefined || offset === undefined ? [] : [{ start, end, offset }];
    });
}

export interface Memory {
  /** Highest sum over the tree of RssAnon, huge pages and swap. Pages shared after a fork count in each process. */
  readonly peakBytes: number;
  /** The same of the one process that had the most. */
  readonly largestBytes: number;
  /** The kernel's high-water mark of the resident set of that process: with its files and shared memory. */
  readonly highWaterBytes: number;
}

/** Samples memory from the moment it is made. */
export class MemoryMeter {
  #peakBytes = 0;
  #largestBytes = 0;
  #highWaterBytes = 0;
  #samples = 0;
  #tree: number[] = [];
  readonly #timer: NodeJS.Timeout;

  /** `counted`: which of the tree count; all by default. */
  constructor(
    private readonly pid: number,
    private readonly counted: (pid: number) => boolean = () => true,
  ) {
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
  }

  #sample(): void {
    if (this.#samples % SAMPLES_A_LOOK === 0) this.#tree = processTree(this.pid).filter(this.counted);
    this.#samples += 1;
    let sum = 0;
    for (const each of this.#tree) {
      const status = readProc(each, "status");
      const bytes =
        statusBytes(status, "RssAnon") + statusBytes(status, "HugetlbPages") + statusBytes(status, "VmSwap");
      sum += bytes;
      if (bytes > this.#largestBytes) {
        this.#largestBytes = bytes;
        this.#highWaterBytes = Math.max(this.#highWaterBytes, statusBytes(status, "VmHWM"));
      }
    }
    this.#peakBytes = Math.max(this.#peakBytes, sum);
  }

  /** Looks once more, and ends. */
  end(): Memory {
    this.#sample();
    clearInterval(this.#timer);
    return {
      peakBytes: this.#peakBytes,
      largestBytes: this.#largestBytes,
      highWaterBytes: this.#highWaterBytes,
    };
  }
}
