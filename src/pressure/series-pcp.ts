import { stat } from "node:fs/promises";
import { TraceError } from "../errors.js";
import { linesOf } from "./lines.js";
import { runPcp } from "./pcp-tools.js";
import type { Series } from "./series.js";
import { SeriesBuilder } from "./series-builder.js";

const PARTS = /\.(?:index|meta|\d+)(?:\.(?:xz|lzma|bz2|bzip2|gz|Z|zst))?$/;
const PSI = "kernel.all.pressure.memory.some.avg";
const AVAILABLE = "mem.util.available";
const TOTAL = "mem.physmem";
const SWAP = "swap.used";
/** What stands for available memory in kernels before 3.14: an estimate, since not all of the cache can be given back. */
const FREE = ["mem.util.free", "mem.util.bufmem", "mem.util.cached"] as const;
const FREE_ALONE = "mem.freemem";
const METRICS = [AVAILABLE, TOTAL, SWAP, PSI, ...FREE, FREE_ALONE];

const UNITS: Readonly<Record<string, number>> = { byte: 1, Kbyte: 1024, Mbyte: 1024 ** 2, Gbyte: 1024 ** 3 };

/** The base name of an archive, for any of its files; undefined where the name is not like one of them. */
export const pcpBaseOf = (path: string): string | undefined =>
  PARTS.test(path) ? path.replace(PARTS, "") : undefined;

/** Whether `path` is the base name of an archive, which is no file itself. */
export async function isPcpBase(path: string): Promise<boolean> {
  for (const suffix of [".meta", ".index", ".meta.xz", ".meta.gz", ".meta.bz2", ".meta.zst"]) {
    const stats = await stat(`${path}${suffix}`).catch(() => undefined);
    if (stats?.isFile() === true) return true;
  }
  return false;
}

/** Whether a file begins with the label of an archive, version 2 or 3. */
export const isPcpFile = (head: Uint8Array): boolean =>
  head.length >= 8 && head[4] === 0x50 && head[5] === 0x05 && head[6] === 0x26;

/**
 * Memory of a host, from an archive of Performance Co-Pilot. Throws TraceError `no-memory-metrics`, `bad-archive`, UserError
 * `pcp-missing`, and those of SeriesBuilder.
 * @param base its path without the suffix of one of its files
 */
export async function readPcp(
  base: string,
  name: string,
  options: { readonly totalBytes?: number; readonly signal?: AbortSignal } = {},
): Promise<Series> {
  const units = await unitsIn(base, options.signal);
  const sources = usageSources(units, base);
  const builder = new SeriesBuilder(base, ["available", "total", "swap", "psi"]);
  const archive = new Archive(builder, units, sources, options.totalBytes);
  const wanted = METRICS.filter((metric) => units.has(metric));
  // As seconds since the archive began, with the places where the logger was stopped.
  const run = await runPcp(
    "pmdumplog",
    ["-xx", "-m", "-M", "-Z", "UTC", base, ...wanted],
    async (bytes) => {
      for await (const lines of linesOf(bytes, base)) for (const line of lines) archive.take(line);
      archive.end();
    },
    options.signal,
  );
  if (run.code !== 0 && builder.length === 0) throw badArchive(base, run.complaint);
  if (run.code !== 0) builder.notes.push(`pmdumplog stopped with: ${firstLine(run.complaint)}`);
  archive.explain();
  return builder.finish(name, "pcp");
}

/** The metrics wanted that are in the archive, each with bytes of its unit. */
async function unitsIn(base: string, signal: AbortSignal | undefined): Promise<Map<string, number>> {
  const units = new Map<string, number>();
  let metric = "";
  const run = await runPcp(
    "pminfo",
    ["-a", base, "-d", ...METRICS],
    async (bytes) => {
      for await (const lines of linesOf(bytes, base)) {
        for (const line of lines) {
          metric = /^(\w[\w.]*)\s*$/.exec(line)?.[1] ?? metric;
          const unit = /Units:\s*(\S+)/.exec(line)?.[1];
          if (unit !== undefined && METRICS.includes(metric)) units.set(metric, UNITS[unit] ?? 1);
        }
      }
    },
    signal,
  );
  // It also complains of each metric that the archive does not have.
  const complaint = run.complaint
    .split("\n")
    .filter((line) => !/Unknown metric name/.test(line))
    .join("\n");
  if (units.size === 0 && complaint !== "") throw badArchive(base, complaint);
  return units;
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

function badArchive(base: string, complaint: string): TraceError {
  const said = firstLine(complaint) || "nothing is in it";
  return new TraceError("bad-archive", `the archive cannot be read: ${said}`, { file: base });
}

/** The metrics whose sum is available memory. */
function usageSources(units: ReadonlyMap<string, number>, base: string): readonly string[] {
  if (units.has(AVAILABLE)) return [AVAILABLE];
  if (FREE.every((metric) => units.has(metric))) return FREE;
  for (const metric of [FREE[0], FREE_ALONE]) if (units.has(metric)) return [metric];
  throw new TraceError(
    "no-memory-metrics",
    "the archive says nothing of the memory of its host",
    { file: base },
    {
      remedy: `Log ${AVAILABLE} and ${TOTAL}.`,
    },
  );
}

/** Follows the records of an archive. A metric that is logged more rarely than usage keeps its last value. */
class Archive {
  private readonly last = new Map<string, number>();
  private timeS = Number.NaN;
  private fresh = false;
  private marks = 0;

  constructor(
    private readonly builder: SeriesBuilder,
    private readonly units: ReadonlyMap<string, number>,
    private readonly sources: readonly string[],
    private readonly totalBytes: number | undefined,
  ) {}

  take(line: string): void {
    const record = /\((-?\d+\.\d+)\)(?:\s+\d+)?\s+(?:\d+ metrics?|(<mark>))\s*$/.exec(line);
    if (record !== null) {
      this.end();
      this.timeS = Number(record[1]);
      if (record[2] !== undefined) {
        // What was true before the logger was stopped need not be afterwards.
        this.marks += 1;
        this.last.clear();
      }
      return;
    }
    const value = /^\s+\S+ \((.+)\): value (-?[\d.]+(?:e[+-]?\d+)?)\s*$/.exec(line);
    if (value !== null) {
      for (const metric of (value[1] ?? "").replaceAll('"', "").split(/(?: or |, | )/))
        this.hold(metric, Number(value[2]));
      return;
    }
    const instance = /^\s+inst \[10 or .*\] value (-?[\d.]+(?:e[+-]?\d+)?)\s*$/.exec(line);
    if (instance !== null) this.last.set(PSI, Number(instance[1]));
  }

  /** Hands on the reading of the record that ends. */
  end(): void {
    if (!this.fresh) return;
    this.fresh = false;
    const { reading } = this.builder;
    const of = (metric: string): number =>
      (this.last.get(metric) ?? Number.NaN) * (this.units.get(metric) ?? 1);
    reading.available = this.sources.reduce((sum, metric) => sum + of(metric), 0);
    reading.total = this.totalBytes ?? of(TOTAL);
    reading.swap = of(SWAP);
    reading.psi = this.last.get(PSI) ?? Number.NaN;
    this.builder.take(this.timeS, 0);
  }

  explain(): void {
    const { notes } = this.builder;
    notes.unshift(`usage is ${this.units.has(TOTAL) ? TOTAL : "the total"} − ${this.sources.join(" − ")}`);
    if (this.sources[0] !== AVAILABLE) {
      notes.push(`the archive has no ${AVAILABLE}: ${this.sources.join(" + ")} stands for it`);
    }
    if (this.marks > 0)
      notes.push(`the logger was stopped ${this.marks === 1 ? "once" : `${this.marks} times`}`);
  }

  private hold(metric: string, value: number): void {
    if (!this.units.has(metric)) return;
    this.last.set(metric, value);
    if (metric === this.sources[0]) this.fresh = true;
  }
}
