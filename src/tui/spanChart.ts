import { AXIS_COLUMNS, Bitmap, brailleOf, type CellKind, type ChartRun, RunLine } from "./bitmap.js";

/** Something, bytes mostly, over events or seconds. */
export interface Layer {
  readonly kind: CellKind;
  /** Every other dot below it is set, too. */
  readonly filled: boolean;
  readonly count: number;
  /** In ascending order. */
  readonly x: (index: number) => number;
  /** Null: nothing is known here. */
  readonly value: (index: number) => number | null;
}

export interface SpanChartOptions {
  /** Of the whole chart, axes included; the last line is the axis of what it goes over. */
  readonly columns: number;
  readonly lines: number;
  readonly from: number;
  readonly to: number;
  /** The top; the bottom is 0. */
  readonly high: number;
  readonly format: (value: number) => string;
  readonly fromText: string;
  readonly toText: string;
}

/** The highest value in each column of dots, the last one held where none is; NaN where there is nothing. */
function heights(layer: Layer, { from, to }: SpanChartOptions, dots: number): Float64Array {
  const values = new Float64Array(dots).fill(Number.NaN);
  const span = Math.max(Number.MIN_VALUE, to - from);
  let held = Number.NaN;
  let next = 0;
  for (let index = 0; index < layer.count; index += 1) {
    const at = Math.round(((layer.x(index) - from) / span) * (dots - 1));
    const here = layer.value(index) ?? Number.NaN;
    if (at >= 0 && at < dots) {
      for (; next < at; next += 1) values[next] = held;
      const before = values[at] as number;
      values[at] = Number.isNaN(before) || here > before ? here : before;
      next = Math.max(next, at + 1);
    }
    held = here;
  }
  return values;
}

/** Layers over each other, the first in front, on a scale from 0. */
export function spanChart(layers: readonly Layer[], options: SpanChartOptions): ChartRun[][] {
  const columns = Math.max(8, options.columns - AXIS_COLUMNS - 1);
  const lines = Math.max(1, options.lines - 1);
  const high = Math.max(1, options.high);
  const y = (value: number): number => Math.round((1 - value / high) * (4 * lines - 1));
  const maps = layers.map((layer) => {
    const map = new Bitmap(columns, lines);
    const values = heights(layer, options, 2 * columns);
    for (const [x, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      const before = values[x - 1];
      const joined = before !== undefined && !Number.isNaN(before);
      map.line(joined ? x - 1 : x, y(joined ? before : value), x, y(value));
      if (layer.filled) map.fillBelow(x, y(value));
    }
    return { kind: layer.kind, map };
  });
  const rows: ChartRun[][] = [];
  for (let line = 0; line < lines; line += 1) {
    const row = new RunLine();
    row.put("axis", `${label(line, lines, high, options.format).padStart(AXIS_COLUMNS)} `);
    for (let column = 0; column < columns; column += 1) {
      const front = maps.find(({ map }) => map.at(column, line) !== 0);
      // The dots of what is behind would make the line in front thicker than it is.
      if (front === undefined) row.put("blank", " ");
      else row.put(front.kind, brailleOf(front.map.at(column, line)));
    }
    rows.push(row.runs);
  }
  const { fromText, toText } = options;
  const axis = fromText + toText.padStart(Math.max(toText.length + 1, columns - fromText.length));
  rows.push([{ kind: "axis", text: " ".repeat(AXIS_COLUMNS + 1) + axis }]);
  return rows;
}

function label(line: number, lines: number, high: number, format: (value: number) => string): string {
  if (line === 0) return format(high);
  if (line === lines - 1) return "0";
  if (line % 5 !== 0 || line > lines - 3) return "";
  return format(high * (1 - (line + 0.5) / lines));
}
