import { TraceError } from "../errors.js";

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const POINT = 46;
const MINUS = 45;
const ZERO = 48;

// A quote that is never closed would otherwise swallow the whole file before anyone notices.
const MAX_ROW_BYTES = 64 * 1024;
const MAX_COLUMNS = 4096;

// All exact as doubles, so that one division of a whole number below 2^53 rounds as the decimal itself would.
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * Finds the cells of CSV rows (RFC 4180; spaces around cells do not count) where they lie, and makes numbers of those asked
 * for without making texts of them.
 */
export class CsvScanner {
  /** Where the current row begins, from 1. */
  line = 0;
  /** Cells of the current row. */
  count = 0;
  /** Cells that a row must have; 0: any number. */
  width = 0;

  private readonly separator: number;
  private bytes: Uint8Array = new Uint8Array(0);
  private readonly starts = new Int32Array(MAX_COLUMNS);
  private readonly ends = new Int32Array(MAX_COLUMNS);
  private nextLine = 1;
  private first = true;
  // Line ends inside quotes of the row that is being looked at.
  private quotedLines = 0;

  constructor(
    separator: string,
    private readonly file: string,
  ) {
    this.separator = separator.charCodeAt(0);
  }

  /** Calls `take` at each row that is whole by now; empty lines are none. */
  push(piece: Uint8Array, take: () => void): void {
    this.bytes = this.bytes.length === 0 ? piece : joined(this.bytes, piece);
    this.scan(false, take);
    if (this.bytes.length > MAX_ROW_BYTES) {
      const why = this.bytes.includes(QUOTE) ? ", perhaps because of a quote that is never closed" : "";
      this.fail(`it is longer than 64 KiB${why}`, this.nextLine);
    }
  }

  /** The last row may have no line end. */
  end(take: () => void): void {
    if (this.bytes.length > 0) this.scan(true, take);
  }

  /** The number in a cell of plain digits; NaN for anything else. */
  number(index: number): number {
    const { bytes } = this;
    let at = this.starts[index] ?? 0;
    const end = this.ends[index] ?? 0;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at += 1;
    if (at === end) return Number.NaN;
    let value = 0;
    let decimals = -1;
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        if (decimals >= 0) decimals += 1;
      } else if (byte === POINT && decimals < 0) {
        decimals = 0;
      } else {
        return Number.NaN;
      }
    }
    // Not exact, or no digit at all: for whoever reads the text.
    if (value > Number.MAX_SAFE_INTEGER || decimals > 22 || decimals === 0) return Number.NaN;
    if (decimals > 0) value /= POWERS[decimals] ?? 1;
    return negative ? -value : value;
  }

  /** The text of a cell. */
  text(index: number): string {
    const text = new TextDecoder().decode(this.bytes.subarray(this.starts[index], this.ends[index]));
    return text.includes('""') ? text.replaceAll('""', '"') : text;
  }

  texts(): string[] {
    return Array.from({ length: this.count }, (_, index) => this.text(index));
  }

  private scan(last: boolean, take: () => void): void {
    let from = 0;
    if (this.first && this.bytes.length >= 3) {
      this.first = false;
      if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) from = 3;
    }
    for (;;) {
      const next = this.row(from, last);
      if (next < 0) break;
      from = next;
      this.line = this.nextLine;
      this.nextLine += 1 + this.quotedLines;
      if (this.count === 1 && this.starts[0] === this.ends[0]) continue;
      if (this.width !== 0 && this.count !== this.width) {
        const shown = `${this.count === 1 ? "one field" : `${this.count} fields`} where the header row has ${this.width}`;
        this.fail(`it has ${shown}`, this.line);
      }
      take();
    }
    this.bytes = this.bytes.slice(from);
  }

  /** Finds the cells of the row at `from`; where the next one begins, or -1 where this one is not whole. */
  private row(from: number, last: boolean): number {
    const { bytes, separator } = this;
    const length = bytes.length;
    if (from >= length) return -1;
    let count = 0;
    let start = from;
    let at = from;
    this.quotedLines = 0;
    for (; at < length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === separator || byte === NEWLINE) {
        this.cell(count, start, at);
        count += 1;
        start = at + 1;
        if (byte === NEWLINE) {
          this.count = count;
          return start;
        }
        if (count === MAX_COLUMNS) this.fail("it has more than 4096 fields", this.nextLine);
      } else if (byte === QUOTE && this.blank(start, at)) {
        at = this.closing(at + 1);
        if (at < 0) {
          if (last) this.fail("a quote is opened and never closed", this.nextLine);
          return -1;
        }
      }
    }
    if (!last) return -1;
    this.cell(count, start, length);
    this.count = count + 1;
    return length;
  }

  private cell(index: number, from: number, to: number): void {
    const { bytes } = this;
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start] ?? 0)) start += 1;
    while (end > start && isBlank(bytes[end - 1] ?? 0)) end -= 1;
    if (end - start >= 2 && bytes[start] === QUOTE && bytes[end - 1] === QUOTE) {
      start += 1;
      end -= 1;
    }
    this.starts[index] = start;
    this.ends[index] = end;
  }

  private blank(from: number, to: number): boolean {
    for (let at = from; at < to; at += 1) if (!isBlank(this.bytes[at] ?? 0)) return false;
    return true;
  }

  /** Where the quote that was opened before `from` is closed, or -1. */
  private closing(from: number): number {
    const { bytes } = this;
    for (let at = from; at < bytes.length; at += 1) {
      if (bytes[at] === NEWLINE) this.quotedLines += 1;
      if (bytes[at] !== QUOTE) continue;
      if (bytes[at + 1] !== QUOTE) return at;
      at += 1;
    }
    return -1;
  }

  private fail(why: string, line: number): never {
    throw new TraceError("bad-csv", `a row is no CSV: ${why}`, { file: this.file, line });
  }
}

const isBlank = (byte: number): boolean => byte === SPACE || byte === RETURN || byte === TAB;

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
