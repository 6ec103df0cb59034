import { sameTrace } from "./compare-results.js";
import type { HostInfo, ResultFile } from "./measurement.js";

interface Labelled {
  readonly label: string;
  readonly result: ResultFile;
}

/** What of a machine changes figures; load and free memory change from minute to minute, and are no difference. */
const HOST_KEYS: readonly (readonly [keyof HostInfo, string])[] = [
  ["cpuModel", "the CPU"],
  ["cores", "the number of CPUs"],
  ["kernel", "the kernel"],
  ["architecture", "the architecture"],
  ["libc", "the C library"],
  ["governor", "the governor of the CPU"],
  ["transparentHugePages", "transparent huge pages"],
  ["overcommit", "overcommit"],
  ["aslr", "ASLR"],
  ["memoryBytes", "the memory of the machine"],
  ["cgroupLimitBytes", "the limit of the cgroup"],
  ["virtualMachine", "whether it is a virtual machine"],
];

const OPTION_KEYS: readonly (readonly [keyof ResultFile["options"], string])[] = [
  ["rounds", "--rounds"],
  ["warmup", "--warmup"],
  ["threads", "--threads"],
  ["touch", "--touch"],
  ["speed", "--speed"],
  ["order", "--order"],
  ["seed", "--seed"],
  ["idleMs", "--idle (ms)"],
];

const said = (value: unknown): string => (value === null || value === undefined ? "unknown" : String(value));

/** `the kernel: 6.1 in old, 6.8 in new.`; nothing where they are the same. */
function difference(what: string, a: unknown, b: unknown, labels: readonly [string, string]): string[] {
  if (a === b) return [];
  return [`${what} differs: ${said(a)} in ${labels[0]}, ${said(b)} in ${labels[1]}.`];
}

/** By name, what answered malloc and how it was set; `none` has nothing that could matter. */
function librariesOf(file: ResultFile): Map<string, Record<string, unknown>> {
  return new Map(
    file.results
      .filter(({ route }) => route !== "none")
      .map(({ allocator, library, version, config, environment }) => [
        allocator,
        {
          "the version": version,
          "the library": library,
          "the configuration": config?.sha256,
          "the environment": JSON.stringify(environment),
        },
      ]),
  );
}

/** A sentence for all allocators that differ in the same way: most share a C library. */
function ofLibraries(reference: Labelled, current: Labelled, labels: readonly [string, string]): string[] {
  const own = librariesOf(current.result);
  const groups = new Map<string, { what: string; values: [unknown, unknown]; allocators: string[] }>();
  for (const [allocator, before] of librariesOf(reference.result)) {
    const now = own.get(allocator);
    for (const what of now === undefined ? [] : Object.keys(before)) {
      const values: [unknown, unknown] = [before[what], now?.[what]];
      const key = JSON.stringify([what, ...values.map(said)]);
      const group = groups.get(key) ?? { what, values, allocators: [] };
      group.allocators.push(allocator);
      groups.set(key, group);
    }
  }
  return [...groups.values()].flatMap(({ what, values, allocators }) =>
    difference(`${what} of ${allocators.join(", ")}`, values[0], values[1], labels),
  );
}

function ofTraces(reference: Labelled, current: Labelled, labels: readonly [string, string]): string[] {
  const lines: string[] = [];
  const common = new Set<string>();
  for (const trace of current.result.traces) {
    const before = sameTrace(trace, reference.result);
    if (before === undefined) {
      lines.push(`${trace.name} is only in ${labels[1]}.`);
      continue;
    }
    common.add(before.name);
    if (before.sha256 !== trace.sha256) {
      lines.push(
        `${trace.name} is another trace in ${labels[1]} than in ${labels[0]} (SHA-256 ${trace.sha256.slice(0, 12)} and ` +
          `${before.sha256.slice(0, 12)}): changes on it are not those of the allocators alone.`,
      );
    }
  }
  for (const { name } of reference.result.traces) {
    if (!common.has(name)) lines.push(`${name} is only in ${labels[0]}.`);
  }
  return lines;
}

/** What differs between two runs beside what they measured, a sentence each. */
export function differencesBetween(reference: Labelled, current: Labelled): string[] {
  const labels = [reference.label, current.label] as const;
  const [a, b] = [reference.result, current.result];
  const lines = [
    ...(a.options.baseline === b.options.baseline
      ? []
      : [
          `${labels[0]} and ${labels[1]} have different baselines (${a.options.baseline}, ${b.options.baseline}): ` +
            "their times cannot be compared.",
        ]),
    ...difference("rustydb-mem", a.tool.version, b.tool.version, labels),
    ...HOST_KEYS.flatMap(([key, what]) => difference(what, a.host[key], b.host[key], labels)),
    ...OPTION_KEYS.flatMap(([key, what]) => difference(what, a.options[key], b.options[key], labels)),
    ...ofLibraries(reference, current, labels),
    ...ofTraces(reference, current, labels),
  ];
  for (const { label, result } of [reference, current]) {
    if (result.partial) lines.push(`${label} is partial: its run was stopped before it was complete.`);
  }
  return lines;
}
