/** What a cell of a chart belongs to. Letters of one kind in a row are a run. */
export type CellKind =
  | "axis"
  | "blank"
  | "series"
  | "live"
  | "forecast"
  | "interval"
  | "threshold"
  | "limit"
  | "now";

export interface ChartRun {
  readonly kind: CellKind;
  readonly text: string;
}

/** Of the labels on the left of every chart. */
export const AXIS_COLUMNS = 10;

/** A line of a chart under way. */
export class RunLine {
  readonly runs: ChartRun[] = [];

  put(kind: CellKind, text: string): void {
    const last = this.runs.at(-1);
    if (last?.kind === kind) this.runs[this.runs.length - 1] = { kind, text: last.text + text };
    else this.runs.push({ kind, text });
  }
}

/** Dots of a braille letter, by column and line in it. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

export const brailleOf = (bits: number): string => String.fromCharCode(0x2800 + bits);

/** Dots two to a column and four to a line, from the top left. */
export class Bitmap {
  private readonly bits: Uint8Array;

  constructor(
    private readonly columns: number,
    private readonly lines: number,
  ) {
    this.bits = new Uint8Array(columns * lines);
  }

  dot(x: number, y: number): void {
    if (x < 0 || y < 0 || x >= 2 * this.columns || y >= 4 * this.lines) return;
    const at = (y >> 2) * this.columns + (x >> 1);
    this.bits[at] = (this.bits[at] ?? 0) | (DOTS[x & 1]?.[y & 3] ?? 0);
  }

  /** Every dot of the line between two places. */
  line(x0: number, y0: number, x1: number, y1: number): void {
    const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let step = 0; step <= steps; step += 1) {
      const part = step / steps;
      this.dot(Math.round(x0 + (x1 - x0) * part), Math.round(y0 + (y1 - y0) * part));
    }
  }

  /** Every other dot from `y` down, so that it is seen from a line without colours. */
  fillBelow(x: number, y: number): void {
    for (let below = Math.max(0, y); below < 4 * this.lines; below += 1) {
      if (((x + below) & 1) === 0) this.dot(x, below);
    }
  }

  at(column: number, line: number): number {
    return this.bits[line * this.columns + column] ?? 0;
  }
}
