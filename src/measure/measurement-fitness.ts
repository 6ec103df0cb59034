import { formatBytes, formatPercent } from "../units.js";
import type { HostInfo } from "./measurement.js";

/** One thing that was looked at before measuring. */
export interface Finding {
  readonly subject: string;
  readonly value: string;
  /** note: does no harm, but explains figures. warn: figures will be noisier, or some missing. bad: no measuring. */
  readonly verdict: "good" | "note" | "warn" | "bad";
  /** What to do about it, or what it means. */
  readonly advice?: string;
}

/** What `doctor` found. */
export interface Checkup {
  readonly findings: readonly Finding[];
  readonly fit: boolean;
}

type Judged = Pick<Finding, "verdict"> & { advice?: string };

const good: Judged = { verdict: "good" };

function finding(subject: string, value: string, judged: Judged): Finding {
  return { subject, value, ...judged };
}

function judgeLoad(host: HostInfo): Finding {
  const load = host.loadAverage[0] ?? 0;
  const busy = load > host.cores / 4;
  return finding("load", `${load.toFixed(2)} on ${host.cores} CPUs`, {
    verdict: busy ? "warn" : "good",
    ...(busy ? { advice: "Something else is running here: wait for it, or expect wide intervals." } : {}),
  });
}

function judgeGovernor({ governor }: HostInfo): Finding {
  if (governor === null) return finding("CPU frequency", "not told by this machine", good);
  const steady = governor === "performance";
  return finding("CPU frequency", `governor ${governor}`, {
    verdict: steady ? "good" : "warn",
    ...(steady ? {} : { advice: "The clock changes with the load: cpupower frequency-set -g performance." }),
  });
}

function judgeShare(subject: string, share: number | null, limit: number, advice: string): Finding {
  if (share === null) return finding(subject, "not told by this kernel", { verdict: "note" });
  const high = share > limit;
  return finding(subject, formatPercent(share), {
    verdict: high ? "warn" : "good",
    ...(high ? { advice } : {}),
  });
}

function judgeMemory(host: HostInfo): Finding {
  const limited = host.cgroupLimitBytes !== null;
  const room = Math.min(host.availableMemoryBytes, host.cgroupLimitBytes ?? Number.POSITIVE_INFINITY);
  const value = `${formatBytes(room)} to be had${limited ? ` (limit of the control group ${formatBytes(host.cgroupLimitBytes ?? 0)})` : ""}`;
  const tight = room < 512 * 1024 ** 2;
  return finding("memory", value, {
    verdict: tight ? "warn" : "good",
    ...(tight ? { advice: "A large trace, its plan and its blocks may not fit." } : {}),
  });
}

function judgeHugePages({ transparentHugePages: mode }: HostInfo): Finding {
  const advice =
    mode === "always"
      ? "Peak memory includes what the kernel rounds up to huge pages, for every allocator."
      : undefined;
  return finding("transparent huge pages", mode ?? "not told by this kernel", {
    verdict: advice === undefined ? "good" : "note",
    ...(advice === undefined ? {} : { advice }),
  });
}

function judgeRandomisation({ aslr }: HostInfo): Finding {
  if (aslr === null) return finding("address randomisation", "not told by this kernel", { verdict: "note" });
  const on = aslr > 0;
  return finding("address randomisation", on ? "on: each round has another layout" : "off", {
    verdict: on ? "good" : "note",
    ...(on
      ? {}
      : { advice: "All rounds share one memory layout, lucky or not: rounds look steadier than they are." }),
  });
}

/** Whether this machine is quiet and roomy enough. */
export function judgeHost(host: HostInfo): Finding[] {
  const cpus = `${host.cores} (${host.cpuModel}${host.virtualMachine ? ", virtual" : ""})`;
  return [
    finding("CPUs", cpus, {
      verdict: host.cores > 1 ? "good" : "warn",
      ...(host.cores > 1
        ? {}
        : { advice: "With one CPU the tool and the allocator it measures take turns." }),
    }),
    judgeLoad(host),
    judgeGovernor(host),
    judgeShare("tasks waiting for a CPU", host.pressure.cpu, 0.05, "Something else is running here."),
    judgeShare(
      "tasks waiting for memory",
      host.pressure.memory,
      0.01,
      "Memory is short: resident sizes will not be what they would be.",
    ),
    judgeShare(
      "CPU time stolen since boot",
      host.stealShare,
      0.01,
      "The hypervisor gives this machine's CPUs to others: prefer the cpu metric.",
    ),
    judgeMemory(host),
    judgeHugePages(host),
    judgeRandomisation(host),
    finding(
      "kernel and libc",
      `Linux ${host.kernel}, ${host.libc === null ? "no glibc" : `glibc ${host.libc}`}, Node ${host.node}`,
      good,
    ),
  ];
}

/** Judges how far the baseline was seen from itself. */
export function judgeNoise(floor: number | null): Finding {
  if (floor === null) {
    return finding("noise floor", "no bound was found (malloc against itself, ten short rounds)", {
      verdict: "warn",
      advice: "No difference can be told here now: wait until the machine is quiet.",
    });
  }
  const noisy = floor > 0.05;
  return finding("noise floor", `${formatPercent(floor)} (malloc against itself, ten short rounds)`, {
    verdict: noisy ? "warn" : "good",
    ...(noisy ? { advice: "Smaller differences cannot be told here: use more rounds, or --until 2%." } : {}),
  });
}
