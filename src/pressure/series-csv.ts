import { TraceError } from "../errors.js";
import { readDate, readNumber, unitsPerSecond } from "./csv-cells.js";
import { bytesOfUnit, type ColumnNames, type CsvColumn, chooseColumns } from "./csv-columns.js";
import { CsvScanner } from "./csv-scanner.js";
import type { Series } from "./series.js";
import { SeriesBuilder, type SeriesValue } from "./series-builder.js";

export interface CsvSource {
  /** Its path, for errors. */
  readonly file: string;
  /** What stands for what, where the headers do not tell, or not what is wanted. */
  readonly names: ColumnNames;
  /** Of all readings. */
  readonly totalBytes?: number;
}

/** What separates the columns of the header row, or undefined where nothing does. */
export function separatorOf(headerLine: string): string | undefined {
  const plain = headerLine.replace(/"[^"]*"/g, "");
  let best: { separator: string; count: number } | undefined;
  for (const separator of [",", ";", "\t"]) {
    const count = plain.split(separator).length - 1;
    if (count > (best?.count ?? 0)) best = { separator, count };
  }
  return best?.separator;
}

/**
 * Reads the readings of a CSV file with a header row. Throws TraceError with the line where a row is no CSV, or a cell no
 * reading: `bad-csv`, `bad-cell`, `no-header`, and those of chooseColumns and SeriesBuilder.
 *
 * csv-parse, which splits traces, makes a text of each cell of each row: ten million rows of two columns take it 11 s
 * before any of them is a number, and this reader 6 in all.
 */
export async function readCsvSeries(
  bytes: AsyncIterable<Uint8Array>,
  separator: string,
  source: CsvSource,
  name: string,
  origin: string,
): Promise<Series> {
  const scanner = new CsvScanner(separator, source.file);
  let rows: Rows | undefined;
  const take = (): void => {
    rows ??= Rows.from(scanner, source);
    rows.take();
  };
  for await (const piece of bytes) scanner.push(piece, take);
  scanner.end(take);
  if (rows === undefined) throw new TraceError("empty", "there is no row in it", { file: source.file });
  rows.explain();
  return rows.builder.finish(name, origin);
}

const TIME_NAMES = [
  [1, "s"],
  [1e3, "ms"],
  [1e6, "µs"],
  [1e9, "ns"],
  [1 / 60, "min"],
] as const;
const BYTE_NAMES = [
  [1, "bytes"],
  [1024, "KiB"],
  [1024 ** 2, "MiB"],
  [1024 ** 3, "GiB"],
  [1024 ** 4, "TiB"],
] as const;

/** What a column's cells are turned into. */
interface Taken {
  readonly column: CsvColumn;
  /** Usage in percent; not decided before the first cell where the header does not say. */
  percent: boolean | undefined;
  /** Bytes of one, by the header. */
  readonly scale: number;
}

class Rows {
  readonly builder: SeriesBuilder;
  private readonly time: CsvColumn;
  private readonly values: readonly (Taken & { readonly value: SeriesValue })[];
  private readonly usage: Taken;
  /** Units of time; undefined before the first time, or where times are dates. */
  private perSecond: number | undefined;
  private firstTime = Number.NaN;
  private readonly hasTotal: boolean;
  private dates = false;
  private zoneless = false;
  private headerRow = true;

  /** @param scanner at the header row */
  static from(scanner: CsvScanner, source: CsvSource): Rows {
    const cells = scanner.texts();
    if (!cells.every((cell) => cell.trim() === "" || isData(cell))) {
      return new Rows(scanner, source, chooseColumns(cells, source.names, source.file, scanner.line), true);
    }
    const { time, used, available } = source.names;
    if (time === undefined || (used ?? available) === undefined) {
      throw new TraceError(
        "no-header",
        "the first row is no header row",
        { file: source.file, line: scanner.line },
        {
          remedy:
            "Put the names of the columns in the first row, or say the numbers of those for time and usage.",
        },
      );
    }
    const numbers = cells.map((_, index) => `${index + 1}`);
    return new Rows(scanner, source, chooseColumns(numbers, source.names, source.file, scanner.line), false);
  }

  private constructor(
    private readonly scanner: CsvScanner,
    private readonly source: CsvSource,
    private readonly columns: readonly CsvColumn[],
    hasHeader: boolean,
  ) {
    this.headerRow = hasHeader;
    const [time, ...others] = columns;
    if (time === undefined) throw new Error("no column was chosen");
    this.time = time;
    this.perSecond = time.unit?.kind === "time" ? time.unit.perSecond : undefined;
    this.values = others.map((column) => ({
      column,
      value: column.role as SeriesValue,
      percent: column.unit === null ? undefined : column.unit.kind === "percent",
      scale: column.unit?.kind === "bytes" ? column.unit.bytes : 1,
    }));
    const usage = this.values.find(({ value }) => value === "used" || value === "available");
    if (usage === undefined) throw new Error("no usage was chosen");
    this.usage = usage;
    this.hasTotal = source.totalBytes !== undefined || this.values.some(({ value }) => value === "total");
    const values = this.values.map(({ value }) => value);
    // Percentages may need it, and become usage.
    this.builder = new SeriesBuilder(source.file, [...new Set<SeriesValue>([...values, "used", "total"])]);
  }

  take(): void {
    if (this.headerRow) {
      this.headerRow = false;
      this.scanner.width = this.scanner.count;
      return;
    }
    const { reading } = this.builder;
    const timeS = this.timeS();
    for (const taken of this.values) reading[taken.value] = this.value(taken);
    if (this.source.totalBytes !== undefined) reading.total = this.source.totalBytes;
    if (this.usage.percent === true) {
      const percent = reading[this.usage.column.role as SeriesValue];
      if (!this.hasTotal) reading.total = 100;
      const share = this.usage.column.role === "used" ? percent : 100 - percent;
      reading.used = (share * reading.total) / 100;
      reading.available = Number.NaN;
    }
    this.builder.take(timeS, this.scanner.line);
  }

  /** Says in notes what was taken for what. */
  explain(): void {
    const { notes } = this.builder;
    const parts = this.columns.map(
      (column) => `${column.role} from "${column.header}" (${this.unitText(column)})`,
    );
    notes.unshift(`columns: ${parts.join(", ")}`);
    if (this.zoneless) notes.push("dates without a time zone are taken as UTC");
    if (this.usage.percent === true && !this.hasTotal)
      notes.push("usage is in percent, and the total is 100");
  }

  private unitText(column: CsvColumn): string {
    if (column.role === "time") {
      if (this.dates) return "dates";
      const name = TIME_NAMES.find(([perSecond]) => perSecond === this.perSecond)?.[1] ?? "s";
      return column.unit === null ? `${name}, by its magnitude` : name;
    }
    const taken = this.values.find((each) => each.column === column);
    if (column.role === "psi" || taken?.percent === true) return "percent";
    return BYTE_NAMES.find(([bytes]) => bytes === taken?.scale)?.[1] ?? "bytes";
  }

  private timeS(): number {
    const { scanner, time } = this;
    if (!this.dates) {
      const plain = scanner.number(time.index);
      if (!Number.isNaN(plain)) return this.inSeconds(plain);
    }
    const text = scanner.text(time.index).trim();
    if (isMissing(text)) return Number.NaN;
    if (!this.dates) {
      const number = readNumber(text);
      if (number !== undefined) return this.inSeconds(number);
    }
    const date = this.dates || this.perSecond === undefined ? readDate(text) : undefined;
    if (date === undefined) {
      const remedy =
        "Times are numbers (seconds, or ms, µs and ns since 1970) or dates like 2026-01-31T12:00:00Z.";
      throw this.badCell(text, time, "time", remedy);
    }
    this.dates = true;
    this.zoneless ||= !date.zoned;
    return date.seconds;
  }

  private inSeconds(time: number): number {
    this.perSecond ??= unitsPerSecond(time);
    // Before it is scaled: seconds since 1970 have no room for all that nanoseconds tell.
    if (Number.isNaN(this.firstTime)) this.firstTime = time;
    return (time - this.firstTime) / this.perSecond;
  }

  private value(taken: Taken): number {
    const { scanner } = this;
    const { column } = taken;
    const plain = scanner.number(column.index);
    if (!Number.isNaN(plain)) {
      taken.percent ??= false;
      return plain * taken.scale;
    }
    const text = scanner.text(column.index).trim();
    if (isMissing(text)) return Number.NaN;
    if (column.role === "total" && /^(max|unlimited|none)$/i.test(text)) return 0;
    const cell = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z%]*)$/i.exec(text);
    const number = Number(cell?.[1] ?? Number.NaN);
    const word = cell?.[2] ?? "";
    if (cell !== null && column.role === "psi" && (word === "" || word === "%")) return number;
    const percent = word === "%" || (word === "" && taken.percent === true);
    const bytes = percent ? 1 : word === "" ? taken.scale : bytesOfUnit(word);
    taken.percent ??= percent;
    if (cell === null || bytes === undefined || percent !== taken.percent) {
      const remedy = /^\d+,\d+$/.test(text)
        ? "Write decimals with a point."
        : "Readings are numbers, with or without a unit, as 4096, 12 MiB or 45 %, one kind in a column.";
      throw this.badCell(text, column, "reading", remedy);
    }
    return number * bytes;
  }

  private badCell(text: string, column: CsvColumn, wanted: string, remedy: string): TraceError {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    return new TraceError(
      "bad-cell",
      `"${shown}" in the column "${column.header}" is no ${wanted}`,
      { file: this.source.file, line: this.scanner.line },
      { remedy },
    );
  }
}

const isData = (cell: string): boolean =>
  readNumber(cell.trim()) !== undefined || readDate(cell.trim()) !== undefined;

/** What tools write for a reading that they do not have. */
const isMissing = (text: string): boolean => /^(|nan|null|none|n\/?a|undefined|-|\?)$/i.test(text);
