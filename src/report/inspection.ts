import type { ImportReport, TraceAnalysis } from "../native.js";
import { FORMAT_TITLES, type Inspection, type TraceOrigin } from "../trace/event.js";
import { formatBytes, formatCount } from "../units.js";
import { births, blocks, bursts, classWaste, liveOverTime, topSizes } from "./inspection-blocks.js";
import { transactions } from "./inspection-transactions.js";
import { type InspectionStyle, indented, plural, type Row, section, share } from "./section.js";
import { transactionSearch } from "./transaction-search.js";
import { wrap } from "./wrap.js";

const ROWS_SHOWN = 10;

/** What is in a trace, for a person: a sentence, then tables, then what was not as it should be. */
export function inspectionReport(inspection: Inspection, style: InspectionStyle): string {
  const { file, report, analysis } = inspection;
  const sections = [
    headline(file, analysis, style),
    describeFile(inspection, style),
    section("Events", eventRows(analysis), ["left", "right", "right"], style),
    blocks(analysis, style),
    topSizes(analysis, style),
    ...classWaste(analysis, style),
    liveOverTime(analysis, style),
    ...bursts(analysis, style),
    threads(analysis, style),
    ...transactions(analysis, style),
    ...(inspection.search === undefined ? [] : transactionSearch(inspection.search, style)),
    ...kinds(analysis, style),
    ...moreFacts(analysis, style),
    ...repairs(report, style),
  ];
  return `${sections.join("\n\n")}\n`;
}

function headline(file: TraceOrigin, analysis: TraceAnalysis, { chalk, width }: InspectionStyle): string {
  const { peak, lifetimeEvents } = analysis;
  const sentences = [
    `${plural(analysis.events, "event")} on ${plural(analysis.threads.length, "thread")}: ` +
      `${plural(births(analysis), "block")}, ${formatBytes(analysis.requestedBytes)} in all, ` +
      `of which at most ${formatBytes(peak.liveBytes)} were alive at once.`,
  ];
  if (lifetimeEvents.count > 0) {
    const short = lifetimeEvents.p50;
    sentences.push(`Half of the blocks that died did so within ${plural(short, "event")}.`);
  }
  const { begun, aborts, savepoints } = analysis.transactions;
  if (begun > 0) {
    sentences.push(
      `${plural(begun, "transaction")} with ${plural(savepoints, "savepoint")}, ${formatCount(aborts)} rolled back.`,
    );
  }
  return wrap(`${chalk.bold(file.name)}: ${sentences.join(" ")}`, width);
}

function describeFile({ file, header }: Inspection, { chalk, width }: InspectionStyle): string {
  const lines = [originText(file)];
  if (file.sha256 !== null)
    lines.push(`SHA-256 ${file.format === "workload" ? "of its program " : ""}${file.sha256}`);
  const facts = Object.entries(header).map(([key, value]) => `${key} ${value}`);
  if (facts.length > 0) lines.push(facts.join(", "));
  return chalk.dim(lines.map((line) => wrap(line, width)).join("\n"));
}

function originText(file: TraceOrigin): string {
  if (file.format === "workload")
    return `made on the fly by the workload ${file.workload}, seed ${file.seed}`;
  const profile = file.profile === null ? "" : `, ${file.profile} profile`;
  const packing = file.wrappings.length === 0 ? "" : `, in ${file.wrappings.join(", in it ")}`;
  return `${FORMAT_TITLES[file.format]}${profile}${packing}, ${formatBytes(file.bytes)}`;
}

function eventRows(analysis: TraceAnalysis): Row[] {
  const titles: readonly (readonly [keyof TraceAnalysis["eventsByType"], string])[] = [
    ["alloc", "allocations"],
    ["free", "frees"],
    ["realloc", "reallocations"],
    ["begin", "begins"],
    ["commit", "commits"],
    ["abort", "aborts"],
    ["threadStart", "thread starts"],
    ["threadEnd", "thread ends"],
    ["mark", "marks"],
    ["sample", "memory samples"],
  ];
  return titles
    .map(([type, title]) => [title, analysis.eventsByType[type]] as const)
    .filter(([, count]) => count > 0)
    .map(([title, count]) => [title, formatCount(count), share(count, analysis.events)]);
}

function threads(analysis: TraceAnalysis, style: InspectionStyle): string {
  const busiest = [...analysis.threads].sort((a, b) => b.events - a.events || a.thread - b.thread);
  const rows: Row[] = [
    ["thread", "events", "share", "blocks", "frees", "bytes"],
    ...busiest
      .slice(0, ROWS_SHOWN)
      .map((thread) => [
        String(thread.thread),
        formatCount(thread.events),
        share(thread.events, analysis.events),
        formatCount(thread.births),
        formatCount(thread.frees),
        formatBytes(thread.bytes),
      ]),
  ];
  const { free, realloc } = analysis.eventsByType;
  const title = `Threads: ${formatCount(busiest.length)}${busiest.length > ROWS_SHOWN ? `, the ${ROWS_SHOWN} busiest` : ""}`;
  const table = section(title, rows, ["right", "right", "right", "right", "right", "right"], style);
  const cross = analysis.crossThreadFrees + analysis.reallocs.crossThread;
  const foreign =
    `${share(cross, free + realloc)} of frees and reallocations came from another thread than the block's last ` +
    `(${plural(analysis.crossThreadFrees, "free")}, ${plural(analysis.reallocs.crossThread, "reallocation")})`;
  return `${table}\n${indented(foreign, style)}`;
}

function kinds(analysis: TraceAnalysis, style: InspectionStyle): string[] {
  const known = analysis.kinds.filter(({ kind }) => kind !== "unknown");
  if (known.length === 0) return [];
  // Where there is little room the share goes: it says what the number of blocks does.
  const columns = style.width < 100 ? [0, 1, 3, 4, 5, 6] : [0, 1, 2, 3, 4, 5, 6];
  const rows: Row[] = [
    ["kind", "blocks", "share", "mean size", "peak live", "at the end", "life, events"],
    ...[...analysis.kinds]
      .sort((a, b) => b.births - a.births)
      .slice(0, 2 * ROWS_SHOWN)
      .map((kind) => [
        kind.kind,
        formatCount(kind.births),
        share(kind.births, births(analysis)),
        formatBytes(kind.bytes / kind.births),
        formatBytes(kind.peakLiveBytes),
        formatBytes(kind.liveBytes),
        medianLife(kind.lifetimeEventsByBitWidth),
      ]),
  ].map((row) => columns.map((column) => row[column] ?? ""));
  const align = columns.map((column) => (column === 0 ? "left" : "right"));
  return [section("Kinds", rows, align, style)];
}

/** The median as `< 2^b`, which is as much as counts by bit width tell. */
function medianLife(byBitWidth: readonly number[]): string {
  const all = byBitWidth.reduce((sum, count) => sum + count, 0);
  if (all === 0) return "–";
  let seen = 0;
  const width = byBitWidth.findIndex((count) => {
    seen += count;
    return seen * 2 >= all;
  });
  return `< ${formatCount(2 ** width)}`;
}

function moreFacts(analysis: TraceAnalysis, style: InspectionStyle): string[] {
  const { reallocs, eventsByType } = analysis;
  const facts: string[] = [];
  if (analysis.zeroedBlocks > 0) {
    facts.push(`${share(analysis.zeroedBlocks, eventsByType.alloc)} of the allocations asked for zeros`);
  }
  if (analysis.alignments.length > 0) {
    const list = analysis.alignments.map(
      ({ alignment, count }) => `${formatBytes(alignment)} ×${formatCount(count)}`,
    );
    facts.push(`alignments asked for: ${list.join(", ")}`);
  }
  if (eventsByType.realloc > 0) {
    facts.push(
      `reallocations: ${formatCount(reallocs.grown)} grew, ${formatCount(reallocs.shrunk)} shrank, ` +
        `${formatCount(reallocs.same)} kept the size; ${plural(reallocs.blocks, "block")} reallocated, ` +
        `one of them ${formatCount(reallocs.longestChain)} times`,
    );
  }
  if (analysis.toldFrees > 0) {
    const wrong =
      analysis.wronglyToldFrees === 0 ? "" : ` (${formatCount(analysis.wronglyToldFrees)} of them wrong)`;
    facts.push(`${share(analysis.toldFrees, eventsByType.free)} of the frees told the size${wrong}`);
  }
  if (analysis.marks.length > 0) {
    const list = analysis.marks
      .slice(0, ROWS_SHOWN)
      .map(({ event, text }) => `${text} (event ${formatCount(event)})`);
    facts.push(`marks: ${list.join(", ")}${analysis.marks.length > ROWS_SHOWN ? ", …" : ""}`);
  }
  if (analysis.samples > 0) {
    facts.push(
      `${plural(analysis.samples, "memory sample")}, at most ${formatBytes(analysis.largestSampleUsedBytes)} used`,
    );
  }
  if (facts.length === 0) return [];
  return [[style.chalk.bold("More"), ...facts.map((fact) => indented(fact, style))].join("\n")];
}

/** What a reader mended or left out: nothing is silently skipped. */
export function repairs(report: ImportReport, style: InspectionStyle): string[] {
  const { chalk } = style;
  const lines: string[] = [];
  if (report.repairs.length > 0) {
    // A reader that was stopped early does not know how much it has read.
    const of = report.linesRead === 0 ? "what was read" : `${formatCount(report.linesRead)} records read`;
    lines.push(
      chalk.bold(
        `Of ${of}, ${formatCount(report.dropped)} were dropped and ${formatCount(report.repaired)} repaired`,
      ),
    );
    for (const repair of report.repairs) {
      const places = repair.firstPositions.map(formatCount).join(", ");
      const more = repair.count > repair.firstPositions.length ? ", …" : "";
      lines.push(
        indented(
          `${repair.dropped ? "dropped" : "repaired"}  ${repair.category.replaceAll("-", " ")}: ${formatCount(repair.count)} (at ${places}${more})`,
          style,
        ),
      );
    }
  }
  for (const warning of report.warnings)
    lines.push(`${chalk.yellow("!")} ${wrap(warning, style.width, "  ")}`);
  return lines.length === 0 ? [] : [lines.join("\n")];
}
