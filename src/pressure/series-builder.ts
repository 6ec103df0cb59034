import { TraceError } from "../errors.js";
import type { SeriesColumns } from "../native/pressure.js";
import { formatBytes, formatCount, formatDuration } from "../units.js";
import type { Series } from "./series.js";

/** Columns of a series besides its time. */
export const SERIES_VALUES = ["used", "available", "total", "swap", "psi", "allocated", "freed"] as const;
export type SeriesValue = (typeof SERIES_VALUES)[number];

/** One reading; what is not known is NaN. */
export type Reading = Record<SeriesValue, number>;

/** No machine has as much: what control groups and containers say for "no limit". */
const NO_LIMIT_BYTES = 2 ** 60;
const GAP_STEPS = 10;
/** Enough to tell the usual step of the longest series. */
const STEPS_SORTED = 10_000;

const unknownReading = (): Reading => ({
  used: Number.NaN,
  available: Number.NaN,
  total: Number.NaN,
  swap: Number.NaN,
  psi: Number.NaN,
  allocated: Number.NaN,
  freed: Number.NaN,
});

/**
 * Collects the readings of one source into a series: leaves out what is out of order or not known and counts it, makes
 * usage of available memory, and says in notes what it took for granted.
 *
 * Fill `reading`, then `take` it. Throws TraceError with the line: `negative-reading`, `unsorted`, `no-readings`,
 * `one-reading`, `used-above-total`.
 */
export class SeriesBuilder {
  /** What `take` takes; it is not reset in between. */
  readonly reading: Reading = unknownReading();
  readonly notes: string[] = [];

  private readonly columns = new Map<SeriesValue | "time", Column>();
  private readonly time = this.column("time");
  private readonly places: Column = new Column();
  private count = 0;
  private unknown = 0;
  private unsorted = 0;
  private firstUnsorted = 0;
  private lastTimeS = Number.NEGATIVE_INFINITY;

  /**
   * @param file its path, for errors
   * @param values what the source has; anything else stays NaN
   */
  constructor(
    private readonly file: string,
    values: readonly SeriesValue[],
  ) {
    for (const value of values) this.column(value);
    this.taken = values.map((value) => [value, this.column(value)] as const);
  }

  private readonly taken: readonly (readonly [SeriesValue, Column])[];

  /** Readings kept so far. */
  get length(): number {
    return this.count;
  }

  /** @param line where the source has it, from 1; 0: nowhere in particular */
  take(timeS: number, line: number): void {
    const { reading } = this;
    if (Number.isNaN(timeS) || (Number.isNaN(reading.used) && Number.isNaN(reading.available))) {
      this.unknown += 1;
      return;
    }
    if (timeS <= this.lastTimeS) {
      if (this.unsorted === 0) this.firstUnsorted = line;
      this.unsorted += 1;
      return;
    }
    for (const [value, column] of this.taken) {
      const number = reading[value];
      if (number < 0 || number === Number.POSITIVE_INFINITY) this.refuse(value, number, line);
      column.push(number);
    }
    this.time.push(timeS);
    this.places.push(line);
    this.lastTimeS = timeS;
    this.count += 1;
  }

  /** A reading that the source says is not there. */
  skip(): void {
    this.unknown += 1;
  }

  /** @param totalBytes of all readings, in the place of what the source says */
  finish(name: string, origin: string, totalBytes?: number): Series {
    this.checkOrder();
    const timeS = this.time.values();
    const first = timeS[0] ?? 0;
    for (let at = 0; at < timeS.length; at += 1) timeS[at] = (timeS[at] ?? 0) - first;
    const unknown = new Float64Array(this.count).fill(Number.NaN);
    const valuesOf = (value: SeriesValue): Float64Array | undefined => this.columns.get(value)?.values();
    const total = this.total(valuesOf("total"), totalBytes);
    const { used, limit } = this.usage(valuesOf("used"), valuesOf("available"), total);
    const columns: SeriesColumns = {
      timeS,
      usedBytes: used,
      totalBytes: limit ?? unknown,
      swapBytes: valuesOf("swap") ?? unknown,
      psiPercent: valuesOf("psi") ?? unknown,
      allocatedBytes: valuesOf("allocated") ?? unknown,
      freedBytes: valuesOf("freed") ?? unknown,
    };
    this.checkUsage(columns);
    this.noteSteps(timeS);
    return { name, origin, columns, notes: this.notes };
  }

  private column(value: SeriesValue | "time"): Column {
    const known = this.columns.get(value);
    if (known !== undefined) return known;
    const column = new Column();
    this.columns.set(value, column);
    return column;
  }

  private refuse(value: SeriesValue, number: number, line: number): never {
    const [code, what] = number < 0 ? ["negative-reading", `${number}`] : ["bad-reading", "infinite"];
    throw new TraceError(code, `the reading of ${value} is ${what}`, this.at(line));
  }

  private at(line: number): { file: string; line?: number } {
    return { file: this.file, ...(line > 0 && { line }) };
  }

  private checkOrder(): void {
    if (this.unsorted > this.count) {
      throw new TraceError(
        "unsorted",
        `the time of ${formatCount(this.unsorted)} of ${formatCount(this.unsorted + this.count)} readings is not after that of the one before`,
        this.at(this.firstUnsorted),
        { remedy: "Sort the readings by time, and keep one source in a file." },
      );
    }
    if (this.count === 0) {
      const why =
        this.unknown > 0 ? `none of its ${formatCount(this.unknown)} rows says how much is used` : "";
      throw new TraceError("no-readings", `there is no reading in it${why && `: ${why}`}`, this.at(0));
    }
    if (this.count === 1) {
      throw new TraceError("one-reading", "one reading is no series", this.at(this.places.get(0)), {
        remedy: "Give it two or more readings, at increasing times.",
      });
    }
    if (this.unsorted > 0) {
      this.notes.push(
        `${readings(this.unsorted)} left out, whose time is not after that of the one before${this.firstUnsorted > 0 ? ` (first in line ${this.firstUnsorted})` : ""}`,
      );
    }
    if (this.unknown > 0) this.notes.push(`${readings(this.unknown)} left out, which say no usage`);
  }

  private total(column: Float64Array | undefined, totalBytes: number | undefined): Float64Array | undefined {
    if (totalBytes !== undefined) return new Float64Array(this.count).fill(totalBytes);
    if (column === undefined) return undefined;
    let unlimited = 0;
    for (let at = 0; at < column.length; at += 1) {
      const bytes = column[at] ?? Number.NaN;
      if (bytes === 0 || bytes >= NO_LIMIT_BYTES) {
        column[at] = Number.NaN;
        unlimited += 1;
      }
    }
    if (unlimited > 0) {
      this.notes.push(
        `a total of 0, or of more than any machine has, in ${readings(unlimited)}: taken as no limit`,
      );
    }
    return column;
  }

  /** Usage, and what it may come to. */
  private usage(
    used: Float64Array | undefined,
    available: Float64Array | undefined,
    total: Float64Array | undefined,
  ): { used: Float64Array; limit: Float64Array | undefined } {
    if (used !== undefined && isKnown(used)) return { used, limit: total };
    const left = available ?? new Float64Array(0);
    const known = total !== undefined && isKnown(total) ? total : undefined;
    const limit =
      known === undefined ? new Float64Array(this.count).fill(highest(left)) : withoutHoles(known);
    const made = new Float64Array(this.count);
    for (let at = 0; at < made.length; at += 1) {
      const bytes = (limit[at] ?? Number.NaN) - (left[at] ?? Number.NaN);
      if (bytes < 0) {
        const shown = `${formatBytes(left[at] ?? 0)} of ${formatBytes(limit[at] ?? 0)} are available`;
        throw new TraceError("available-above-total", shown, this.at(this.places.get(at)), {
          remedy: "Check the units of both, and the total.",
        });
      }
      made[at] = bytes;
    }
    if (known === undefined) {
      this.notes.push(
        `nothing says how much memory there is: usage counts from the most that was ever available (${formatBytes(highest(left))}), which stands for the total`,
      );
    }
    return { used: made, limit };
  }

  private checkUsage({ usedBytes, totalBytes }: SeriesColumns): void {
    let above = 0;
    let firstAbove = 0;
    let constant = true;
    for (let at = 0; at < usedBytes.length; at += 1) {
      if (usedBytes[at] !== usedBytes[0]) constant = false;
      if (!((usedBytes[at] ?? 0) > (totalBytes[at] ?? 0))) continue;
      if (above === 0) firstAbove = at;
      above += 1;
    }
    const line = this.places.get(firstAbove);
    if (above * 2 > usedBytes.length) {
      const shown = `${formatBytes(usedBytes[firstAbove] ?? 0)} of ${formatBytes(totalBytes[firstAbove] ?? 0)} are used`;
      throw new TraceError(
        "used-above-total",
        `${shown}, and more than there is in most readings`,
        this.at(line),
        {
          remedy: "Check the units of both, and the total.",
        },
      );
    }
    if (above > 0) {
      this.notes.push(
        `more is used than there is in ${readings(above)}${line > 0 ? ` (first in line ${line})` : ""}: kept as it is`,
      );
    }
    if (constant) this.notes.push("usage never changes");
  }

  private noteSteps(timeS: Float64Array): void {
    const steps = new Float64Array(timeS.length - 1);
    for (let at = 0; at < steps.length; at += 1) steps[at] = (timeS[at + 1] ?? 0) - (timeS[at] ?? 0);
    // Where several loggers wrote, close pairs are common: what is usual is seen in the longer half.
    const some = steps.filter((_, at) => at % Math.ceil(steps.length / STEPS_SORTED) === 0).sort();
    const usual = some[Math.floor(some.length * 0.75)] ?? 0;
    let gaps = 0;
    for (const step of steps) if (step > GAP_STEPS * usual) gaps += 1;
    if (gaps === 0) return;
    const longest = formatDuration(highest(steps) * 1e9);
    this.notes.push(
      `${gaps === 1 ? "one gap" : `${formatCount(gaps)} gaps`} of more than ten steps of ${formatDuration(usual * 1e9)}, the longest of ${longest}`,
    );
  }
}

const readings = (count: number): string => (count === 1 ? "one reading" : `${formatCount(count)} readings`);

/** What changes so rarely that it need not be in every reading: as it was before, at first as it is then. */
function withoutHoles(values: Float64Array): Float64Array {
  let last = values.find((value) => !Number.isNaN(value)) ?? Number.NaN;
  return values.map((value) => {
    if (!Number.isNaN(value)) last = value;
    return last;
  });
}

const isKnown = (values: Float64Array): boolean => values.some((value) => !Number.isNaN(value));

function highest(values: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** Numbers that come one by one. */
class Column {
  private numbers = new Float64Array(1024);
  private length = 0;

  push(number: number): void {
    if (this.length === this.numbers.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.length] = number;
    this.length += 1;
  }

  get(index: number): number {
    return this.numbers[index] ?? Number.NaN;
  }

  values(): Float64Array {
    return this.numbers.slice(0, this.length);
  }
}
