import { TraceError, UsageError } from "../errors.js";
import type { SeriesValue } from "./series-builder.js";

export type SeriesRole = SeriesValue | "time";

/** Names of the columns of a CSV file, or their numbers from 1, for what is not to be found by its header. */
export type ColumnNames = Partial<Record<SeriesRole, string>>;

/** What one number of a column stands for. */
export type ColumnUnit =
  | { readonly kind: "bytes"; readonly bytes: number }
  /** How many are a second. */
  | { readonly kind: "time"; readonly perSecond: number }
  | { readonly kind: "percent" };

/** A column that was taken. */
export interface CsvColumn {
  readonly role: SeriesRole;
  /** As the file writes it. */
  readonly header: string;
  /** From 0. */
  readonly index: number;
  /** Null where the header names none. */
  readonly unit: ColumnUnit | null;
}

// As the kernel, ps, top and sar count, K is 1024 in readings of memory, however it is written.
const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  bytes: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  kbyte: 1024,
  kbytes: 1024,
  kilobytes: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  mbyte: 1024 ** 2,
  mbytes: 1024 ** 2,
  megabytes: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  gbyte: 1024 ** 3,
  gbytes: 1024 ** 3,
  gigabytes: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

const PER_SECOND: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  secs: 1,
  seconds: 1,
  ms: 1e3,
  msec: 1e3,
  millis: 1e3,
  milliseconds: 1e3,
  us: 1e6,
  µs: 1e6,
  usec: 1e6,
  micros: 1e6,
  microseconds: 1e6,
  ns: 1e9,
  nsec: 1e9,
  nanos: 1e9,
  nanoseconds: 1e9,
  min: 1 / 60,
  minutes: 1 / 60,
};

const PERCENT = new Set(["%", "percent", "pct", "percentage"]);

/** The unit that a word names, for a column of that role. */
function unitOf(word: string, role: SeriesRole): ColumnUnit | undefined {
  const lower = word.toLowerCase();
  if (role === "time") {
    const perSecond = PER_SECOND[lower];
    return perSecond === undefined ? undefined : { kind: "time", perSecond };
  }
  if (PERCENT.has(lower)) return { kind: "percent" };
  const bytes = BYTES[lower];
  return bytes === undefined ? undefined : { kind: "bytes", bytes };
}

/** Bytes of a unit as cells write it: `MiB`, `k`; undefined where there is no such unit. */
export const bytesOfUnit = (word: string): number | undefined =>
  word === "" ? 1 : BYTES[word.toLowerCase()];

/** Names by which a role is known, small letters and digits only, the most telling first. */
const KNOWN: Readonly<Record<SeriesRole, readonly string[]>> = {
  time: [
    "timestamp",
    "time",
    "ts",
    "datetime",
    "date",
    "epoch",
    "unixtime",
    "elapsed",
    "elapsedtime",
    "uptime",
    "when",
    "seconds",
    "t",
  ],
  used: [
    "used",
    "memused",
    "memoryused",
    "usedmemory",
    "usedmem",
    "ramused",
    "containermemoryworkingset",
    "memoryworkingset",
    "workingset",
    "memoryrss",
    "memrss",
    "rss",
    "vmrss",
    "usedmemoryrss",
    "residentset",
    "residentsetsize",
    "resident",
    "residentmemory",
    "processresidentmemory",
    "containermemoryrss",
    "containermemoryusage",
    "memorycurrent",
    "memoryusage",
    "memusage",
    "memoryutilization",
    "memutil",
    "usage",
    "memory",
    "mem",
  ],
  available: [
    "available",
    "memavailable",
    "memoryavailable",
    "availablememory",
    "nodememorymemavailable",
    "memavail",
    "avail",
    "memfree",
    "memoryfree",
    "freememory",
    "nodememorymemfree",
    "free",
  ],
  total: [
    "total",
    "memtotal",
    "memorytotal",
    "totalmemory",
    "totalmem",
    "physmem",
    "physicalmemory",
    "nodememorymemtotal",
    "limit",
    "memlimit",
    "memorylimit",
    "containerspecmemorylimit",
    "memorymax",
    "maxmemory",
    "capacity",
  ],
  swap: ["swap", "swapused", "usedswap", "memoryswap", "vmswap", "swapusage", "containermemoryswap"],
  psi: [
    "psi",
    "psisomeavg10",
    "someavg10",
    "memorypsi",
    "mempsi",
    "memorysomeavg10",
    "memorypressure",
    "pressure",
  ],
  allocated: ["allocated", "totalallocated", "allocatedtotal", "bytesallocated", "alloc", "allocs"],
  freed: ["freed", "totalfreed", "freedtotal", "bytesfreed", "deallocated", "totaldeallocated"],
};

export const SERIES_ROLES = Object.keys(KNOWN) as readonly SeriesRole[];

const bare = (header: string): string => header.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The name and the unit of a header: `used (MiB)`, `memory.mb`, `mem_used_kb`, `kbmemused`, `%memused`. */
function* readingsOf(header: string, role: SeriesRole): Generator<{ name: string; unit: ColumnUnit | null }> {
  const text = header.trim();
  const behind =
    /^(.*?)[\s_.-]*[([]\s*([a-zµ%]+)\s*[)\]]$/i.exec(text) ?? /^(.+?)[\s_.:-]+([a-zµ%]+)$/i.exec(text);
  const unit = behind === null ? undefined : unitOf(behind[2] ?? "", role);
  if (behind !== null && unit !== undefined) {
    // `container_memory_limit_in_bytes`
    yield { name: bare((behind[1] ?? "").replace(/[\s_.-]in$/i, "")), unit };
  }
  const before = /^(kb|mb|%)(?=[a-z])(.+)$/i.exec(text);
  if (before !== null && role !== "time") {
    yield { name: bare(before[2] ?? ""), unit: unitOf(before[1] ?? "", role) ?? null };
  }
  // `timeMs`, `usedBytes`
  const camel = /^(.*[a-z])([A-Z][a-z]*)$/.exec(text);
  const camelUnit = camel === null ? undefined : unitOf(camel[2] ?? "", role);
  if (camel !== null && camelUnit !== undefined) yield { name: bare(camel[1] ?? ""), unit: camelUnit };
  yield { name: bare(text), unit: null };
}

/** How well a header tells of the role (0 best), and its unit; undefined where it does not. */
function rank(header: string, role: SeriesRole): { rank: number; unit: ColumnUnit | null } | undefined {
  for (const { name, unit } of readingsOf(header, role)) {
    const at = KNOWN[role].indexOf(name);
    if (at >= 0) return { rank: at, unit };
  }
  return undefined;
}

/** The column that the user named, by its header or its number. */
function named(role: SeriesRole, name: string, headers: readonly string[]): CsvColumn {
  const wanted = name.trim();
  let index = headers.findIndex((header) => header.trim() === wanted);
  if (index < 0) index = headers.findIndex((header) => bare(header) === bare(wanted) && bare(wanted) !== "");
  if (index < 0 && /^[1-9]\d*$/.test(wanted) && Number(wanted) <= headers.length) index = Number(wanted) - 1;
  const header = headers[index];
  if (header === undefined) {
    throw new UsageError("no-such-column", `there is no column "${name}" to take for ${role}`, {
      remedy: `The columns are: ${headers.map((each) => each.trim()).join(", ")}.`,
    });
  }
  let unit: ColumnUnit | null = null;
  for (const reading of readingsOf(header, role)) unit ??= reading.unit;
  return { role, header: header.trim(), index, unit };
}

/**
 * Which columns stand for what: those named by the user, then those known by their headers; a role that nothing stands for
 * is left out, and available memory where usage is known. Throws TraceError `no-time` or `no-usage`, UsageError
 * `no-such-column`.
 * @param line of the header row
 */
export function chooseColumns(
  headers: readonly string[],
  names: ColumnNames,
  file: string,
  line: number,
): readonly CsvColumn[] {
  const chosen = new Map<SeriesRole, CsvColumn>();
  for (const role of SERIES_ROLES) {
    const name = names[role];
    if (name !== undefined) chosen.set(role, named(role, name, headers));
  }
  const taken = new Set([...chosen.values()].map(({ index }) => index));
  for (const role of SERIES_ROLES) {
    if (chosen.has(role)) continue;
    let best: { column: CsvColumn; rank: number } | undefined;
    for (const [index, header] of headers.entries()) {
      const found = taken.has(index) ? undefined : rank(header, role);
      if (found === undefined || (best !== undefined && best.rank <= found.rank)) continue;
      best = { rank: found.rank, column: { role, header: header.trim(), index, unit: found.unit } };
    }
    if (best === undefined) continue;
    chosen.set(role, best.column);
    taken.add(best.column.index);
  }
  if (names.used !== undefined && names.available === undefined) chosen.delete("available");
  else if (names.available !== undefined && names.used === undefined) chosen.delete("used");
  else if (chosen.has("used")) chosen.delete("available");
  const remedy = `Name it with --column ROLE=NAME, such as --column used=rss. The columns are: ${headers.map((each) => each.trim()).join(", ")}.`;
  if (!chosen.has("time")) {
    throw new TraceError("no-time", "no column is known to be the time", { file, line }, { remedy });
  }
  if (!chosen.has("used") && !chosen.has("available")) {
    throw new TraceError(
      "no-usage",
      "no column is known to be used or available memory",
      { file, line },
      { remedy },
    );
  }
  return SERIES_ROLES.flatMap((role) => chosen.get(role) ?? []);
}
