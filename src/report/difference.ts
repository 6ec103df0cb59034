import type { ChalkInstance } from "chalk";
import type { Change, Difference, DifferenceTable, GroupDifference } from "../trace/difference.js";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../units.js";
import { stackLines } from "./call-sites.js";
import { differenceAnswer } from "./difference-answer.js";
import { signed, signedBytes, small, typeName } from "./difference-words.js";
import { repairs } from "./inspection.js";
import { wrap } from "./wrap.js";

export interface DifferenceStyle {
  readonly chalk: ChalkInstance;
  /** Columns of the terminal. */
  readonly width: number;
}

type Row = readonly string[];

const ROWS_SHOWN = 10;
const TYPES_DETAILED = 5;

/** What changed between two traces, for a person: a sentence, the totals, by transaction type, then by size, kind and call site. */
export function differenceReport(found: Difference, style: DifferenceStyle): string {
  const { chalk, width } = style;
  const sections = [
    wrap(chalk.bold(differenceAnswer(found)), width),
    table("In all", totals(found), style),
    ...byType(found, style),
    ...details(found, style),
    ...[found.a, found.b].flatMap(({ file, report }) =>
      repairs(report, style).map((text) => `${file.name}: ${text}`),
    ),
  ];
  if (found.notes.length > 0) {
    sections.push(found.notes.map((note) => `${chalk.yellow("!")} ${wrap(note, width, "  ")}`).join("\n"));
  }
  return `${sections.join("\n\n")}\n`;
}

const relative = ({ a, b, relative: share }: Change): string => {
  if (share === null) return b === 0 ? "–" : "new";
  if (b === 0 && a !== 0) return "gone";
  return `${share > 0 ? "+" : ""}${formatPercent(share)}`;
};

const countCells = (change: Change): string[] => [small(change.a), small(change.b), signed(change.delta)];
const byteCells = (change: Change): string[] => [
  formatBytes(change.a),
  formatBytes(change.b),
  signedBytes(change.delta),
];

function totals({ basis, a, b, all }: Difference): Row[] {
  const rows: Row[] = [["", "a", "b", "change", ""]];
  const change = (inA: number, inB: number): Change => ({
    a: inA,
    b: inB,
    delta: inB - inA,
    relative: inA === 0 ? null : (inB - inA) / inA,
  });
  const add = (title: string, cells: readonly string[], by: Change): void => {
    rows.push([title, ...cells, relative(by)]);
  };
  const counts = (title: string, by: Change): void => add(title, countCells(by), by);
  const bytes = (title: string, by: Change): void => add(title, byteCells(by), by);
  if (basis === "transaction") {
    counts("transactions", change(a.transactions, b.transactions));
    counts("blocks per transaction", all.blocks);
    bytes("bytes per transaction", all.bytes);
    counts("reallocs per transaction", all.reallocs);
  } else {
    counts("events", change(a.events, b.events));
    counts("blocks", all.blocks);
    bytes("bytes", all.bytes);
    counts("reallocs", all.reallocs);
    counts("blocks per 1,000 events", change(a.blocksPerThousandEvents, b.blocksPerThousandEvents));
    bytes("bytes per 1,000 events", change(a.bytesPerThousandEvents, b.bytesPerThousandEvents));
  }
  if (a.blocksPerSecond !== null && b.blocksPerSecond !== null) {
    counts("blocks per second", change(a.blocksPerSecond, b.blocksPerSecond));
    bytes("bytes per second", change(a.bytesPerSecond ?? 0, b.bytesPerSecond ?? 0));
  }
  if (a.seconds !== null && b.seconds !== null) {
    const time = change(a.seconds, b.seconds);
    const cell = (seconds: number): string => formatDuration(seconds * 1e9);
    const sign = time.delta > 0 ? "+" : time.delta < 0 ? "−" : "";
    add("time", [cell(time.a), cell(time.b), `${sign}${cell(Math.abs(time.delta))}`], time);
  }
  bytes("peak live bytes", change(a.peakLiveBytes, b.peakLiveBytes));
  bytes("live bytes at the end", change(a.endLiveBytes, b.endLiveBytes));
  return rows;
}

function byType({ basis, types, outside }: Difference, style: DifferenceStyle): string[] {
  if (basis === "trace") return [];
  const rows: Row[] = [
    ["", "transactions a", "b", "blocks a", "b", "change", "bytes a", "b", "change", ""],
    ...types.map((group) => [
      typeName(group.type),
      formatCount(group.transactions.a),
      formatCount(group.transactions.b),
      ...countCells(group.blocks),
      ...byteCells(group.bytes),
      relative(group.bytes),
    ]),
  ];
  if (outside !== null) {
    rows.push([
      "outside of transactions",
      "",
      "",
      ...countCells(outside.blocks),
      ...byteCells(outside.bytes),
      relative(outside.bytes),
    ]);
  }
  return [table("For each transaction, by type", rows, style)];
}

function details(found: Difference, style: DifferenceStyle): string[] {
  const groups: { title: string; group: GroupDifference }[] =
    found.basis === "trace"
      ? [{ title: "In the whole trace", group: found.all }]
      : [
          ...found.types.map((group) => ({ title: `For each ${typeName(group.type)}`, group })),
          ...(found.outside === null
            ? []
            : [{ title: "Outside of transactions, for each of them", group: found.outside }]),
        ];
  const changed = groups.filter(({ group }) => group.changed);
  const sections = changed.slice(0, TYPES_DETAILED).flatMap(({ title, group }) => [
    ...rowsOf(`${title}, by size`, "size", group.sizes, style),
    // Where nobody named kinds there is one, and it says what the line of the type says.
    ...(group.kinds.different > 1 ? rowsOf(`${title}, by kind`, "kind", group.kinds, style) : []),
    ...(group.callSites === null ? [] : callSites(`${title}, by call site`, group.callSites, style)),
  ]);
  if (changed.length > TYPES_DETAILED) {
    sections.push(`Of ${changed.length - TYPES_DETAILED} more that changed, --json has the details.`);
  }
  return sections;
}

function rowsOf(
  title: string,
  what: string,
  { rows, below }: DifferenceTable,
  style: DifferenceStyle,
): string[] {
  if (rows.length === 0) return [];
  const cells: Row[] = [
    [what, "blocks a", "b", "change", "bytes a", "b", "change"],
    ...rows
      .slice(0, ROWS_SHOWN)
      .map((row) => [
        row.name ?? formatSize(row.sizeBytes ?? 0),
        ...countCells(row.blocks),
        ...byteCells(row.bytes),
      ]),
  ];
  return [`${table(title, cells, style)}${rest(rows.length, below, style)}`];
}

/** What a table leaves out, as its last line. */
function rest(rows: number, below: number, { chalk }: DifferenceStyle): string {
  const more = rows - ROWS_SHOWN;
  const left = [
    ...(more > 0 ? [`${formatCount(more)} more above the threshold (--json has them)`] : []),
    ...(below > 0 ? [`${formatCount(below)} not above it`] : []),
  ];
  return left.length === 0 ? "" : `\n  ${chalk.dim(`and ${left.join(", ")}`)}`;
}

function callSites(title: string, { rows, below }: DifferenceTable, style: DifferenceStyle): string[] {
  if (rows.length === 0) return [];
  const lines = rows.slice(0, ROWS_SHOWN).flatMap(({ frames = [], blocks, bytes }) => {
    const inBlocks = `${small(blocks.a)} → ${small(blocks.b)} blocks (${signed(blocks.delta)})`;
    const inBytes = `${formatBytes(bytes.a)} → ${formatBytes(bytes.b)} (${signedBytes(bytes.delta)})`;
    return [`  ${inBlocks}, ${inBytes}`, ...stackLines(frames, style)];
  });
  return [`${[style.chalk.bold(title), ...lines].join("\n")}${rest(rows.length, below, style)}`];
}

/** Exact, because 4,100 and 4,096 bytes are not the same story. */
function formatSize(bytes: number): string {
  return `${formatCount(bytes)} B`;
}

function table(title: string, rows: readonly Row[], { chalk }: DifferenceStyle): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return [chalk.bold(title), ...rows.map((row) => `  ${row.map(pad).join("  ").trimEnd()}`)].join("\n");
}
