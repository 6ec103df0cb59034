import type { HostInfo, ResultFile } from "../measure/measurement.js";
import { formatBytes } from "../units.js";

/** Each library that was measured once, with its version and place. */
export function librariesOf(file: ResultFile): string[] {
  const lines = new Map<string, string>();
  for (const result of file.results) {
    if (result.library === undefined || result.route === "none") continue;
    const version = result.version === undefined ? "version unknown" : result.version;
    const users = file.results
      .filter(
        (other) => other.library === result.library && other.trace === result.trace && other.route !== "none",
      )
      .map((other) => other.allocator);
    lines.set(result.library, `${result.library} ${version} (${users.join(", ")})`);
  }
  return [...lines.values()];
}

export function describeHost(host: HostInfo): string {
  return [
    `${host.cpuModel}, ${host.cores} CPU${host.cores === 1 ? "" : "s"}${host.virtualMachine ? " (virtual)" : ""}`,
    `Linux ${host.kernel}`,
    ...(host.libc === null ? [] : [`glibc ${host.libc}`]),
    formatBytes(host.memoryBytes),
    `THP ${host.transparentHugePages ?? "unknown"}`,
    `load ${(host.loadAverage[0] ?? 0).toFixed(2)}`,
  ].join(", ");
}

/** Words that a shell takes apart as they were. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line of this run, its seed included. */
export function reproduceLine(file: ResultFile): string {
  const seeded = file.command.some((word) => word === "--seed" || word.startsWith("--seed="));
  const words = seeded ? file.command : [...file.command, "--seed", String(file.options.seed)];
  return ["rustydb-mem", ...words].map(quoted).join(" ");
}
