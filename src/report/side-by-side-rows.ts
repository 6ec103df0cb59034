import type {
  ResultChange,
  SideBySide,
  SideBySideFigure,
  SideBySideRow,
} from "../measure/measurement-change.js";
import { formatBytes, formatPercent, formatRatio } from "../units.js";
import { formatInterval, type Tone } from "./cells.js";

/** What the terminal and Markdown show of result files beside each other. */
export interface SideBySideTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly { readonly text: string; readonly tone: Tone }[])[];
}

type Cell = SideBySideTable["rows"][number][number];

const plain = (text: string): Cell => ({ text, tone: "neutral" });

function ratioCell(figure: SideBySideFigure | null): Cell {
  if (figure === null) return plain("–");
  if (figure.failure !== null && figure.ratio === undefined) return { text: figure.failure, tone: "failed" };
  if (figure.isBaseline) return plain("1×");
  if (figure.ratio === undefined) return plain("–");
  return plain(`${formatInterval(figure.ratio, figure.different === true)}${figure.net ? "" : " raw"}`);
}

function changeCell(change: ResultChange | null): Cell {
  if (change === null) return plain("–");
  const { median } = change.change;
  const text =
    change.of === "bytes"
      ? `${change.different ? "" : "~"}${formatRatio(median)}`
      : `${formatInterval(change.change, change.different)}${change.net ? "" : " raw"}`;
  if (!change.different) return plain(text);
  return { text, tone: median < 1 ? "better" : "worse" };
}

interface Part {
  readonly title: string;
  readonly figure: (figure: SideBySideFigure | null) => Cell;
  readonly changes?: (row: SideBySideRow) => readonly (ResultChange | null)[];
  readonly isThere: (figure: SideBySideFigure) => boolean;
}

function partsOf({ files }: SideBySide): Part[] {
  const baselines = [...new Set(files.map(({ baseline }) => baseline))];
  return [
    {
      title: `time / ${baselines.length === 1 ? baselines[0] : "baseline"} of the same run`,
      figure: ratioCell,
      changes: (row) => row.timeChanges,
      isThere: ({ ratio, failure }) => ratio !== undefined || failure !== null,
    },
    {
      title: "ns/event net (not comparable between runs)",
      figure: (figure) =>
        plain(typeof figure?.netNsPerEvent === "number" ? figure.netNsPerEvent.toFixed(2) : "–"),
      isThere: ({ netNsPerEvent }) => netNsPerEvent !== null,
    },
    {
      title: "peak memory",
      figure: (figure) => plain(formatBytes(figure?.peakBytes ?? Number.NaN)),
      changes: (row) => row.peakChanges,
      isThere: ({ peakBytes }) => peakBytes !== null,
    },
  ];
}

/** The tables of a trace; one without any figure is left out. */
export function sideBySideTables(beside: SideBySide, trace: string): SideBySideTable[] {
  const { files, reference } = beside;
  const rows = beside.rows.filter((row) => row.trace === trace);
  const others = [...files.keys()].filter((index) => index !== reference);
  const isThere = (part: Part): boolean =>
    rows.some(({ figures }) => figures.some((figure) => figure !== null && part.isThere(figure)));
  return partsOf(beside)
    .filter(isThere)
    .map(({ title, figure, changes }) => ({
      title,
      columns: [
        "allocator",
        ...files.map(({ label }) => label),
        ...(changes === undefined
          ? []
          : others.map((index) => (others.length === 1 ? "change" : `change: ${files[index]?.label}`))),
      ],
      rows: rows.map((row) => [
        plain(row.allocator),
        ...row.figures.map(figure),
        ...(changes === undefined ? [] : others.map((index) => changeCell(changes(row)[index] ?? null))),
      ]),
    }));
}

export function tracesOf({ rows }: SideBySide): string[] {
  return [...new Set(rows.map(({ trace }) => trace))];
}

/** `oltp: rustydb 12 % slower`, the largest changes first. */
function largest(changes: readonly ResultChange[], more: string, less: string): string {
  const size = ({ change }: ResultChange): number => Math.abs(Math.log(change.median));
  const shown = [...changes].sort((a, b) => size(b) - size(a)).slice(0, 3);
  const words = shown.map(({ trace, allocator, change: { median } }) => {
    const much =
      median >= 2 || median <= 0.5
        ? formatRatio(Math.max(median, 1 / median))
        : formatPercent(Math.abs(median - 1));
    return `${allocator} on ${trace} (${much} ${median > 1 ? more : less})`;
  });
  return `${words.join(", ")}${changes.length > shown.length ? `, and ${changes.length - shown.length} more` : ""}`;
}

function sentence(
  what: string,
  changes: readonly ResultChange[],
  words: { readonly more: string; readonly less: string },
): string {
  if (changes.length === 0) return "";
  const { more, less } = words;
  const up = changes.filter((each) => each.different && each.change.median > 1);
  const down = changes.filter((each) => each.different && each.change.median < 1);
  if (up.length + down.length === 0) return `${what}: no change that could be told.`;
  const parts = [
    ...(up.length > 0 ? [`${more}: ${largest(up, more, less)}`] : []),
    ...(down.length > 0 ? [`${less}: ${largest(down, more, less)}`] : []),
  ];
  const same = changes.length - up.length - down.length;
  return `${what}: ${parts.join("; ")}${same > 0 ? `; ${same} without a change that could be told` : ""}.`;
}

/** What changed against the reference, a paragraph for each other file. */
export function sideBySideAnswers({ files, reference, rows }: SideBySide): string[] {
  const base = files[reference]?.label ?? "";
  return files.flatMap(({ label }, index) => {
    if (index === reference) return [];
    const time = rows.flatMap(({ timeChanges }) => timeChanges[index] ?? []);
    const peak = rows.flatMap(({ peakChanges }) => peakChanges[index] ?? []);
    const said = [
      sentence("time", time, { more: "slower", less: "faster" }),
      sentence("peak memory", peak, { more: "more", less: "less" }),
    ].filter((words) => words !== "");
    return [
      `${label} against ${base}: ${said.length === 0 ? "they have nothing in common that could be compared." : said.join(" ")}`,
    ];
  });
}

export const SIDE_BY_SIDE_LEGEND =
  "change: the ratio of one file over that of the reference, with the interval that both leave (95 %); ~ is no change " +
  "that could be told. Times of two runs are compared through the baseline of each; peak memory directly.";
