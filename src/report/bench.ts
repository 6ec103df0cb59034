import type { ResultFile } from "../measure/measurement.js";
import type { BenchFigure, BenchResult, Claim } from "../measure/measurement-bench.js";
import { isDifference } from "../statistics/comparison.js";
import { formatBytes, formatPercent, formatRatio } from "../units.js";
import { type Cell, formatInterval, toneOf } from "./cells.js";
import { type ReportRow, reportRows } from "./rows.js";

/** The figures of benchmarks as tables, for every kind of report. */

export interface BenchTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** The first cell of a row is its name. */
  readonly rows: readonly (readonly Cell[])[];
}

export type Suite = BenchResult["suites"][number];

const plain = (text: string): Cell => ({ text, tone: "neutral" });
const NOTHING = plain("–");

/** The name of a case without that of its suite. */
export const shortName = (suite: Suite, trace: string): string => trace.slice(suite.name.length + 1);

function ratioCell(row: ReportRow | undefined): Cell {
  if (row === undefined) return NOTHING;
  if (row.result.failure !== undefined) return { text: "failed", tone: "failed" };
  if (row.warm === undefined) return NOTHING;
  const { ratio, different } = row.warm;
  return { text: formatInterval(ratio, different), tone: toneOf(ratio.median, different) };
}

function nsCell(row: ReportRow | undefined): Cell {
  const ns = row?.result.warm?.netNsPerEvent ?? row?.result.warm?.rawNsPerEvent;
  return ns === undefined || ns === null ? NOTHING : plain(ns.toFixed(ns < 100 ? 2 : 0));
}

/** The results of a suite. */
export interface SuiteRows {
  readonly suite: Suite;
  /** Those that stand against the baseline, as they were given. */
  readonly allocators: readonly string[];
  readonly baseline: string;
  readonly of: (trace: string, allocator: string) => ReportRow | undefined;
}

export function rowsOfSuite(file: ResultFile, suite: Suite): SuiteRows {
  const traces = file.traces.filter(({ name }) => suite.cases.includes(name));
  const rows = new Map(traces.map((trace) => [trace.name, reportRows(file, trace, "given")]));
  const measured = new Set([...rows.values()].flat().map(({ result }) => result.allocator));
  const { baseline } = file.options;
  return {
    suite,
    baseline,
    allocators: [...measured].filter((name) => name !== baseline && name !== "none"),
    of: (trace, allocator) => rows.get(trace)?.find(({ result }) => result.allocator === allocator),
  };
}

/** A row a benchmark, a column an allocator: its time against the baseline's, and the geometric mean below. */
function timeTable({ suite, allocators, baseline, of }: SuiteRows, shown: readonly string[]): BenchTable {
  const rows = suite.cases.map((trace): Cell[] => [
    plain(shortName(suite, trace)),
    nsCell(of(trace, baseline)),
    ...shown.map((allocator) => ratioCell(of(trace, allocator))),
  ]);
  const means = suite.means.filter(({ metric, net }) => metric === "warm" && net);
  if (means.length > 0) {
    const cells = shown.map((allocator): Cell => {
      const mean = means.find((each) => each.allocator === allocator);
      if (mean === undefined) return NOTHING;
      const different = isDifference(mean.ratio, 0);
      return { text: formatInterval(mean.ratio, different), tone: toneOf(mean.ratio.median, different) };
    });
    rows.push([plain("geometric mean"), plain(""), ...cells]);
  }
  const more = shown.length < allocators.length && shown[0] !== allocators[0] ? ", continued" : "";
  return {
    title: `${suite.name}: ${suite.title}${more}`,
    columns: ["", `${baseline} ns/event`, ...shown],
    rows,
  };
}

/** Memory at the peak against the baseline's; only of benchmarks that weigh it. */
function memoryTable({ suite, allocators, baseline, of }: SuiteRows): BenchTable | undefined {
  const weighed = suite.cases.filter((trace) => of(trace, baseline)?.result.memory !== undefined);
  if (weighed.length === 0) return undefined;
  return {
    title: `${suite.name}: memory at the peak / ${baseline}`,
    columns: ["", baseline, ...allocators],
    rows: weighed.map((trace) => [
      plain(shortName(suite, trace)),
      plain(formatBytes(of(trace, baseline)?.result.memory?.peakBytes ?? Number.NaN)),
      ...allocators.map((allocator): Cell => {
        const peak = of(trace, allocator)?.peak;
        return peak === undefined
          ? NOTHING
          : { text: formatRatio(peak), tone: toneOf(peak, Math.abs(peak - 1) > 0.01) };
      }),
    ]),
  };
}

/** What has changed since a saved result; nothing where nothing was compared. @param width as of suiteTables */
export function changeTables(file: ResultFile, width: number): BenchTable[] {
  const compared = file.bench?.compared;
  if (compared === undefined) return [];
  const warm = compared.changes.filter(({ metric }) => metric === "warm");
  const allocators = [...new Set(warm.map(({ allocator }) => allocator))];
  const traces = [...new Set(warm.map(({ trace }) => trace))];
  const cell = (trace: string, allocator: string): Cell => {
    const found = warm.find((each) => each.trace === trace && each.allocator === allocator);
    if (found === undefined) return NOTHING;
    const { change, different } = found;
    return { text: formatInterval(change, different), tone: toneOf(change.median, different) };
  };
  const pieces = inPieces(allocators, longest(traces), width, (allocator) =>
    longest(traces.map((trace) => cell(trace, allocator).text)),
  );
  return pieces.map((shown) => ({
    title: `time since ${compared.path} of ${compared.date}, each against its own baseline`,
    columns: ["", ...shown],
    rows: traces.map((trace) => [plain(trace), ...shown.map((allocator) => cell(trace, allocator))]),
  }));
}

/** Columns side by side as far as they fit in so many characters, behind `first` of them. */
function inPieces(
  names: readonly string[],
  first: number,
  width: number,
  widest: (name: string) => number,
): string[][] {
  const pieces: string[][] = [[]];
  let used = first;
  for (const name of names) {
    const own = 2 + Math.max(name.length, widest(name));
    if (used + own > width && (pieces.at(-1)?.length ?? 0) > 0) {
      pieces.push([]);
      used = first;
    }
    pieces.at(-1)?.push(name);
    used += own;
  }
  return pieces;
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));

/** The columns of a suite's table of times, a piece a table. */
function timePieces({ suite, allocators, baseline, of }: SuiteRows, width: number): string[][] {
  const names = ["geometric mean", ...suite.cases.map((trace) => shortName(suite, trace))];
  return inPieces(allocators, longest(names) + 2 + `${baseline} ns/event`.length, width, (allocator) =>
    longest(suite.cases.map((trace) => ratioCell(of(trace, allocator)).text)),
  );
}

/** Time, in as many tables as the width asks for, and memory where it was weighed. */
export interface SuiteTables {
  readonly times: readonly BenchTable[];
  readonly memory: BenchTable | undefined;
}

/** @param width characters of a line; Infinity where tables may be as wide as they are */
export function tablesOfSuite(rows: SuiteRows, width: number): SuiteTables {
  return {
    times: timePieces(rows, width).map((shown) => timeTable(rows, shown)),
    memory: memoryTable(rows),
  };
}

/** The tables of all suites. @param width as of tablesOfSuite */
export function suiteTables(file: ResultFile, width: number): BenchTable[] {
  return (file.bench?.suites ?? []).flatMap((suite) => {
    const { times, memory } = tablesOfSuite(rowsOfSuite(file, suite), width);
    return [...times, ...(memory === undefined ? [] : [memory])];
  });
}

/** `0.62 [0.60, 0.65]` in the unit of the figure. */
export function formatFinding(value: BenchFigure["value"], unit: string): string {
  const one = (number: number): string => {
    if (unit === "share") return formatPercent(number);
    if (unit === "bytes") return formatBytes(number);
    const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
    return number.toFixed(digits);
  };
  const suffix = unit === "share" || unit === "bytes" || unit === "" || unit === "ratio" ? "" : ` ${unit}`;
  const { estimate, low, high } = value;
  const ends = low === null || high === null || low === high ? "" : ` [${one(low)}, ${one(high)}]`;
  return `${one(estimate)}${suffix}${ends}`;
}

/** Of figures that compare no allocators; undefined without any. */
export function figureTable(file: ResultFile): BenchTable | undefined {
  const figures = file.bench?.figures ?? [];
  if (figures.length === 0) return undefined;
  return {
    title: "pressure: what a sample costs the forecaster (CPU time)",
    columns: ["", "a sample"],
    rows: figures.map(({ name, value, unit }) => [plain(name), plain(formatFinding(value, unit))]),
  };
}

const VERDICT_TONES = {
  met: "better",
  "not met": "worse",
  open: "neutral",
  "not measured": "neutral",
} as const;

/** Undefined where none was measured. */
export function claimTable(file: ResultFile): BenchTable | undefined {
  const claims = file.bench?.claims ?? [];
  if (claims.length === 0) return undefined;
  return {
    title: "claims of the design, measured here",
    columns: ["", "claim", "target", "measured", "verdict"],
    rows: claims.map((each) => [
      plain(each.area),
      plain(each.claim),
      plain(each.target),
      each.value === null ? NOTHING : plain(formatFinding(each.value, each.unit)),
      { text: each.verdict, tone: VERDICT_TONES[each.verdict] },
    ]),
  };
}

/** The commands that show more of the claims, a line each. */
export function claimCommands(file: ResultFile): string[] {
  const claims = file.bench?.claims ?? [];
  const commands = [...new Set(claims.map(commandOf))];
  return commands.map((command) => {
    const shown = claims.filter((each) => commandOf(each) === command);
    return `${command}: ${shown.map(({ area, claim }) => `${area} ${claim}`).join("; ")}`;
  });
}

/** How each claim was measured, and how to see it again: a line a claim. */
export function claimNotes(file: ResultFile): string[] {
  return (file.bench?.claims ?? []).map((each) => {
    const note = each.note === undefined ? "" : ` (${each.note})`;
    return `${each.area}, ${each.claim}: ${each.protocol}${note}. Again: ${commandOf(each)}`;
  });
}

/** What shows more of a claim, as it is typed. */
export const commandOf = ({ command }: Claim): string =>
  command.startsWith("npm ") ? command : `rustydb-mem ${command}`;

/** Who is the fastest over all cases; undefined where nothing was compared. Of a single case there is no mean: it is the answer. */
export function suiteSentence(file: ResultFile, suite: Suite): string | undefined {
  const single = suite.cases.length === 1 ? file.comparisons : [];
  const means = [...suite.means, ...single.filter(({ trace }) => trace === suite.cases[0])]
    .filter(({ metric, net }) => metric === "warm" && net)
    .sort((a, b) => a.ratio.median - b.ratio.median);
  const [best, second] = means;
  if (best === undefined) return undefined;
  const words =
    second === undefined ? "" : `, then ${second.allocator} (${formatRatio(second.ratio.median)})`;
  return best.ratio.median < 1
    ? `${best.allocator} takes ${formatRatio(best.ratio.median)} the time of ${best.baseline}${words}`
    : `${best.baseline} is the fastest, then ${best.allocator} (${formatRatio(best.ratio.median)})`;
}

/** What came out: of each suite, since a saved result, of the claims. */
export function benchSentences(file: ResultFile): string[] {
  const sentences: string[] = [];
  for (const suite of file.bench?.suites ?? []) {
    const sentence = suiteSentence(file, suite);
    if (sentence !== undefined) sentences.push(`${suite.name}: ${sentence}`);
  }
  const compared = file.bench?.compared;
  if (compared !== undefined) {
    const warm = compared.changes.filter(({ metric }) => metric === "warm");
    const changed = warm.filter(({ different }) => different);
    const slower = changed.filter(({ change }) => change.median > 1).length;
    sentences.push(
      warm.length === 0
        ? `no time of this could be compared with ${compared.path}`
        : changed.length === 0
          ? `nothing has changed since ${compared.path} that could be told`
          : `since ${compared.path} ${slower} of ${warm.length} times are longer, ${changed.length - slower} shorter`,
    );
  }
  const claims = file.bench?.claims ?? [];
  if (claims.length > 0) {
    const count = (verdict: Claim["verdict"]): number =>
      claims.filter((each) => each.verdict === verdict).length;
    sentences.push(
      `of ${claims.length} claims ${count("met")} are met, ${count("not met")} are not, ${count("open")} are open, ${count("not measured")} not measured`,
    );
  }
  return sentences;
}

/** The same as one sentence; empty where nothing came out. */
export function benchAnswer(file: ResultFile): string {
  const sentences = benchSentences(file);
  return sentences.length === 0 ? "" : `${sentences.join("; ")}.`;
}
