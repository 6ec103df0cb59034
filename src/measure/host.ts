import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, freemem, loadavg, release, totalmem } from "node:os";
import type { HostInfo } from "./measurement.js";

/** A file of /proc or /sys; null where this kernel, container or user does not have it. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function numberOrNull(text: string | null | undefined): number | null {
  const value = text === null || text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** `always [madvise] never` → `madvise`. */
export function chosenOf(text: string | null): string | null {
  return text === null ? null : (/\[(\w+)\]/.exec(text)?.[1] ?? text);
}

/** Share of the last 10 s in which some task waited: `some avg10=0.42 …` → 0.0042. */
export function pressureOf(text: string | null): number | null {
  const percent = numberOrNull(/^some avg10=([\d.]+)/m.exec(text ?? "")?.[1]);
  return percent === null ? null : percent / 100;
}

/** Steal over all ticks of the line `cpu  user nice system idle iowait irq softirq steal …` of /proc/stat. */
export function stealShareOf(stat: string | null): number | null {
  const ticks = /^cpu\s+(.*)$/m
    .exec(stat ?? "")?.[1]
    ?.split(/\s+/)
    .map(Number);
  if (ticks === undefined || ticks.length < 8) return null;
  // The two after steal are guests, counted in user and nice already.
  const total = ticks.slice(0, 8).reduce((sum, value) => sum + value, 0);
  return total === 0 ? null : (ticks[7] as number) / total;
}

/** Smallest limit from this process's cgroup up to the root, of either version; null where there is none. */
function cgroupLimitBytes(): number | null {
  const limits: number[] = [];
  for (const line of (readOrNull("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = line.split(":");
    if (path === undefined || (controllers !== "" && controllers !== "memory")) continue;
    const [root, file] =
      controllers === ""
        ? ["/sys/fs/cgroup", "memory.max"]
        : ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"];
    for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf("/"))) {
      const limit = numberOrNull(readOrNull(`${root}${folder === "/" ? "" : folder}/${file}`));
      // Version 1 writes a huge number where there is no limit.
      if (limit !== null && limit < totalmem()) limits.push(limit);
      if (folder === "" || folder === "/") break;
    }
  }
  return limits.length === 0 ? null : Math.min(...limits);
}

/** What machine this is, and how busy. Everything that this kernel does not tell is null. */
export function readHost(): HostInfo {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const meminfo = readOrNull("/proc/meminfo") ?? "";
  const availableKib = numberOrNull(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1]);
  const cpuinfo = readOrNull("/proc/cpuinfo") ?? "";
  return {
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    kernel: release(),
    architecture: arch(),
    libc: report?.header?.glibcVersionRuntime ?? null,
    node: process.version,
    governor: readOrNull("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    transparentHugePages: chosenOf(readOrNull("/sys/kernel/mm/transparent_hugepage/enabled")),
    overcommit: numberOrNull(readOrNull("/proc/sys/vm/overcommit_memory")),
    aslr: numberOrNull(readOrNull("/proc/sys/kernel/randomize_va_space")),
    loadAverage: loadavg(),
    pressure: {
      cpu: pressureOf(readOrNull("/proc/pressure/cpu")),
      memory: pressureOf(readOrNull("/proc/pressure/memory")),
      io: pressureOf(readOrNull("/proc/pressure/io")),
    },
    stealShare: stealShareOf(readOrNull("/proc/stat")),
    memoryBytes: totalmem(),
    availableMemoryBytes: availableKib === null ? freemem() : availableKib * 1024,
    cgroupLimitBytes: cgroupLimitBytes(),
    virtualMachine: /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo),
  };
}
