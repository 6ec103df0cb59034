import { UserError } from "../../errors.js";

/** The texts in which the kernel tells of memory, parsed. Sizes in bytes; null: the text does not say. */

/** A text that does not say what it should. Once, that is a short read; a source that stays so is given up. */
class UnreadableSource extends UserError {
  constructor(file: string, what: string, remedy?: string) {
    super("unreadable-source", `${file}: ${what}`, remedy === undefined ? {} : { remedy });
  }
}

/** `name 123` or `name: 123 kB` a line; what is no number is left out. */
function keyedNumbers(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, key = "", digits, unit] of text.matchAll(/^([^\s:]+):?[ \t]+(\d+)(?:[ \t]+(kB))?[ \t]*$/gm)) {
    found.set(key, Number(digits) * (unit === undefined ? 1 : 1024));
  }
  return found;
}

export interface Meminfo {
  readonly totalBytes: number;
  /** What could be had without swapping, as the kernel estimates it. */
  readonly availableBytes: number;
  readonly swapUsedBytes: number | null;
}

/** `/proc/meminfo`. Kernels before 3.14 have no MemAvailable: free memory and page cache stand for it. */
export function parseMeminfo(text: string, file: string): Meminfo {
  const of = keyedNumbers(text);
  const totalBytes = of.get("MemTotal");
  if (totalBytes === undefined || totalBytes === 0) throw new UnreadableSource(file, "it has no MemTotal");
  let availableBytes = of.get("MemAvailable");
  if (availableBytes === undefined) {
    const free = of.get("MemFree");
    const cached = of.get("Cached");
    if (free === undefined || cached === undefined) {
      throw new UnreadableSource(file, "it has neither MemAvailable nor MemFree and Cached");
    }
    // Shared memory is in Cached, and cannot be had.
    availableBytes = free + (of.get("Buffers") ?? 0) + Math.max(0, cached - (of.get("Shmem") ?? 0));
  }
  if (availableBytes > totalBytes) throw new UnreadableSource(file, "more memory is available than there is");
  const swapTotal = of.get("SwapTotal");
  const swapFree = of.get("SwapFree");
  const swapUsedBytes =
    swapTotal === undefined || swapFree === undefined ? null : Math.max(0, swapTotal - swapFree);
  return { totalBytes, availableBytes, swapUsedBytes };
}

/** `some avg10` of a PSI file, in 1/1000 percent as traces hold it; null where the kernel counts none. */
export function parseMemoryPressure(text: string): number | null {
  const match = /^some avg10=(\d+)\.(\d+)/m.exec(text);
  if (match === null) return null;
  const [, whole = "", fraction = ""] = match;
  return Number(whole) * 1000 + Number(fraction.padEnd(3, "0").slice(0, 3));
}

export interface ProcessStatus {
  readonly name: string;
  /** It has ended, and only its parent does not know yet. */
  readonly ended: boolean;
  /** Anonymous and shared memory that is resident; null of a kernel thread, which has none of its own. */
  readonly usedBytes: number | null;
  readonly swapBytes: number | null;
}

/** `/proc/PID/status`. Kernels before 4.5 do not say what is anonymous: there all that is resident counts. */
export function parseProcessStatus(text: string, file: string): ProcessStatus {
  const of = keyedNumbers(text);
  const name = /^Name:\t(.*)$/m.exec(text)?.[1];
  const state = /^State:\t(\S)/m.exec(text)?.[1];
  if (name === undefined || state === undefined) throw new UnreadableSource(file, "it is cut off");
  const ended = state === "Z" || state === "X";
  const anonymous = of.get("RssAnon");
  const usedBytes =
    anonymous === undefined ? (of.get("VmRSS") ?? null) : anonymous + (of.get("RssShmem") ?? 0);
  // Resident memory stands in the middle of the file, and the state at its head: half of a file would look like no memory.
  if (usedBytes === null && !ended && !/^Threads:/m.test(text))
    throw new UnreadableSource(file, "it is cut off");
  return { name, ended, usedBytes, swapBytes: of.get("VmSwap") ?? null };
}

/** When the process of a `/proc/PID/stat` began, in ticks since boot: what tells it from a later one of the same number. */
export function parseStartTicks(text: string, file: string): number {
  // The name stands in parentheses and may contain anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  if (!Number.isSafeInteger(ticks) || fields.length < 20) throw new UnreadableSource(file, "it is cut off");
  return ticks;
}

export interface CgroupStat {
  readonly usedBytes: number;
  /** Of version 1, where `memory.stat` says both. */
  readonly swapBytes: number | null;
  readonly limitBytes: number | null;
}

/**
 * What no reclaim of page cache gives back, out of a `memory.stat` of version 2: anonymous and shared memory, slab that
 * cannot be reclaimed, kernel stacks and page tables.
 */
export function parseCgroupStat(text: string, file: string): CgroupStat {
  const of = keyedNumbers(text);
  const anonymous = of.get("anon");
  if (anonymous === undefined)
    throw new UnreadableSource(file, "it does not say how much memory is anonymous");
  const kernel = ["shmem", "slab_unreclaimable", "kernel_stack", "pagetables"];
  const usedBytes = kernel.reduce((sum, key) => sum + (of.get(key) ?? 0), anonymous);
  return { usedBytes, swapBytes: null, limitBytes: null };
}

/** The same of version 1, which counts a group's children in `total_…` and has no numbers of unreclaimable slab. */
export function parseCgroupStatV1(text: string, file: string): CgroupStat {
  const of = keyedNumbers(text);
  const anonymous = of.get("total_rss") ?? of.get("rss");
  if (anonymous === undefined)
    throw new UnreadableSource(file, "it does not say how much memory is anonymous");
  const shared = of.get("total_shmem") ?? of.get("shmem") ?? 0;
  const swapBytes = of.get("total_swap") ?? of.get("swap") ?? null;
  return {
    usedBytes: anonymous + shared,
    swapBytes,
    limitBytes: of.get("hierarchical_memory_limit") ?? null,
  };
}

/** A file that holds one size, or `max`: null. */
export function parseLimit(text: string, file: string): number | null {
  const word = text.trim();
  if (word === "max") return null;
  if (!/^\d+$/.test(word)) throw new UnreadableSource(file, `"${word.slice(0, 40)}" is no size`);
  return Number(word);
}

/** Counted by the kernel since boot, or since the group was made. */
export interface KernelCounts {
  /** Times that the limit held up an allocation and nothing could be reclaimed. */
  readonly oom: number | null;
  readonly oomKills: number | null;
  /** Times that `memory.high` throttled the group. */
  readonly high: number | null;
}

/** `memory.events` of version 2, `memory.oom_control` of version 1, `/proc/vmstat` of the machine. */
export function parseKernelCounts(text: string): KernelCounts {
  const of = keyedNumbers(text);
  return { oom: of.get("oom") ?? null, oomKills: of.get("oom_kill") ?? null, high: of.get("high") ?? null };
}

export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** The group that is mounted there. */
  readonly group: string;
}

const unescaped = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Where the memory controller, or version 2, is mounted, by a `/proc/PID/mountinfo`; a controller of version 1 first. */
export function parseCgroupMounts(text: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of text.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [, , , group = "/", mountPoint = ""] = left.split(" ");
    const [type, , options = ""] = right.split(" ");
    const place = { mountPoint: unescaped(mountPoint), group: unescaped(group) };
    if (type === "cgroup2") mounts.push({ version: 2, ...place });
    else if (type === "cgroup" && options.split(",").includes("memory"))
      mounts.unshift({ version: 1, ...place });
  }
  return mounts;
}

/** The group of each version that a `/proc/PID/cgroup` names. */
export function parseOwnCgroups(text: string): { version: 1 | 2; group: string }[] {
  const groups: { version: 1 | 2; group: string }[] = [];
  for (const [, controllers = "", group = ""] of text.matchAll(/^\d+:([^:]*):(.*)$/gm)) {
    if (controllers === "") groups.push({ version: 2, group });
    else if (controllers.split(",").includes("memory")) groups.unshift({ version: 1, group });
  }
  return groups;
}
