import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GLIBC, type Preload } from "./allocators.js";
import { codeRanges } from "./processes.js";
import { type Figures, type Launch, preloaded } from "./program.js";
import type { Session } from "./session.js";

/** Of samples of a program's CPU time. */
export interface MallocShare {
  readonly samples: number;
  /** In the allocator's code. Page faults and system calls that it caused are not in it. */
  readonly malloc: number;
  /** In the kernel, whoever caused it; 0 where only user code may be sampled. */
  readonly kernel: number;
}

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

const FREQUENCY_HZ = 1999;
const FAMILY =
  /^(__libc_)?(malloc|free|realloc|calloc|memalign|valloc|pvalloc|mallinfo2?|mallopt|malloc_(info|stats|trim|usable_size))$/;
/** The code of malloc that glibc does not export lies before what it does; more than that is something else. */
const MOST_BYTES_BEFORE = 0x8000;

/**
 * Where in the C library its malloc is. Debian's has no names of its static functions (`_int_malloc` and others), but
 * one object file lies in one piece: from the end of the exported function before the family to the end of the family.
 */
function rangeInLibc(path: string): { start: number; end: number } {
  const symbols = execFileSync("nm", ["-D", "-S", "--defined-only", path], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const match = /^([0-9a-f]+) ([0-9a-f]+) [TWi] ([^@]+)/.exec(line);
      if (match === null) return [];
      const [start = 0, bytes = 0] = match.slice(1, 3).map((hex) => Number.parseInt(hex, 16));
      return [{ start, end: start + bytes, ofFamily: FAMILY.test(match[3] ?? "") }];
    });
  const family = symbols.filter(({ ofFamily }) => ofFamily);
  if (family.length === 0) throw new Error(`${path} exports no malloc`);
  const first = Math.min(...family.map(({ start }) => start));
  const before = Math.max(...symbols.map(({ end }) => end).filter((end) => end <= first));
  return {
    start: first - before > MOST_BYTES_BEFORE ? first : before,
    end: Math.max(...family.map(({ end }) => end)),
  };
}

/** Where the allocator's code lies in the process. */
function allocatorCode(pid: number, { name, library }: Preload): Range[] {
  if (name !== GLIBC) return codeRanges(pid, `/${basename(library)}`);
  const inFile = rangeInLibc(library);
  // In the C library addresses are offsets in the file as far as its code goes.
  return codeRanges(pid, `/${basename(library)}`).map(({ start, offset }) => ({
    start: start + BigInt(inFile.start) - offset,
    end: start + BigInt(inFile.end) - offset,
  }));
}

/** Samples of several runs as those of one. */
export function pooled(shares: readonly MallocShare[]): MallocShare {
  const samples = shares.reduce((sum, each) => sum + each.samples, 0);
  const mean = (of: (share: MallocShare) => number): number =>
    shares.reduce((sum, each) => sum + of(each) * each.samples, 0) / samples;
  return { samples, malloc: mean((share) => share.malloc), kernel: mean((share) => share.kernel) };
}

/** Whether perf is here and may sample. */
export function canSample(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "rustydb-mem-perf-"));
  const words = ["record", "-q", "-e", "cpu-clock", "-o", join(folder, "out"), "--", "true"];
  const { status } = spawnSync("perf", words, { stdio: "ignore" });
  rmSync(folder, { recursive: true });
  return status === 0;
}

/** Waits until perf has its counters: what the program forks before is not followed. */
async function hasAttached(perf: number): Promise<void> {
  const counts = (): boolean => {
    try {
      return readdirSync(`/proc/${perf}/fd`).some((fd) =>
        readlinkSync(`/proc/${perf}/fd/${fd}`).includes("perf_event"),
      );
    } catch {
      return false; // A file that was closed while we looked.
    }
  };
  for (let tries = 0; tries < 500 && !counts(); tries += 1) await sleep(10);
  // Opened one after the other, then enabled together.
  await sleep(100);
}

/**
 * Runs the load once, with the allocator preloaded, under perf. A program that soon ends has it in front; at a server,
 * which may run as another user, it looks from outside.
 */
export async function sampleMalloc(
  session: Session,
  preload: Preload,
  inFront: boolean,
  run: (launch: Launch) => Promise<Figures>,
): Promise<MallocShare> {
  const folder = mkdtempSync(join(tmpdir(), "rustydb-mem-perf-"));
  const out = join(folder, "out");
  const record = ["record", "-q", "-e", "cpu-clock", "-F", String(FREQUENCY_HZ), "-o", out];
  try {
    const launch = preloaded(session, preload);
    let code: Range[] = [];
    let ended: Promise<unknown> | undefined;
    let stop: (() => void) | undefined;
    await run({
      wrap: (words) => [...(inFront ? ["perf", ...record, "--"] : []), ...launch.wrap(words)],
      started: async (pid) => {
        await launch.started?.(pid);
        code = allocatorCode(pid, preload);
        if (inFront) return;
        // It follows the threads and children that come after, and ends with the process.
        const perf = spawn("perf", [...record, "-p", String(pid)], { stdio: "ignore" });
        ended = new Promise((resolve) => perf.once("close", resolve));
        stop = () => perf.kill("SIGINT");
        await hasAttached(perf.pid as number);
      },
    });
    if ((await Promise.race([ended, sleep(3000, "late", { ref: false })])) === "late") {
      stop?.();
      await ended;
    }
    const addresses = execFileSync("perf", ["script", "-i", out, "-F", "ip"], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      stdio: ["ignore", "pipe", "ignore"],
    })
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => BigInt(`0x${line.trim()}`));
    if (addresses.length === 0) throw new Error(`perf has no samples of ${preload.name}`);
    const share = (counts: (address: bigint) => boolean): number =>
      addresses.filter(counts).length / addresses.length;
    return {
      samples: addresses.length,
      malloc: share((address) => code.some(({ start, end }) => address >= start && address < end)),
      kernel: share((address) => address >= 1n << 63n),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
