import type { GeometricMean, Ratio, ResultFile, TraceResult } from "../measure/measurement.js";
import { isDifference, MEMORY_TOLERANCE } from "../statistics/comparison.js";
import { formatCount, formatPercent } from "../units.js";
import { type ReportRow, reportRows } from "./rows.js";

/** 0.6 → `1.67× faster than malloc`; a small difference in percent. */
function speedWords(ratio: Ratio, different: boolean, baseline: string): string {
  if (!different) return `as fast as ${baseline} (as far as could be seen)`;
  const factor = ratio.median < 1 ? 1 / ratio.median : ratio.median;
  const word = ratio.median < 1 ? "faster" : "slower";
  if (factor < 1.1) return `${formatPercent(factor - 1)} ${word} than ${baseline}`;
  return `${factor.toFixed(factor < 10 ? 2 : 1)}× ${word} than ${baseline}`;
}

/** 0.88 → `12 % less memory`. */
function memoryWords(ratio: number): string {
  if (Math.abs(ratio - 1) <= MEMORY_TOLERANCE) return "the same memory";
  if (ratio >= 2) return `${ratio.toFixed(1)}× the memory`;
  return `${formatPercent(Math.abs(ratio - 1))} ${ratio < 1 ? "less" : "more"} memory`;
}

function rowWords(row: ReportRow, baseline: string): string {
  const { warm, peak } = row;
  const speed = warm === undefined ? undefined : `is ${speedWords(warm.ratio, warm.different, baseline)}`;
  const memory = peak === undefined ? undefined : `takes ${memoryWords(peak)} at its peak`;
  return [speed, memory].filter((words) => words !== undefined).join(" and ");
}

/** `, 1.20× faster than malloc`; nothing where the row is the baseline itself or cannot be told from it. */
function asideOf(row: ReportRow, baseline: string): string {
  if (row.isBaseline || row.warm === undefined) return "";
  return `, ${speedWords(row.warm.ratio, row.warm.different, baseline)}`;
}

/** `, with 12 % less than malloc`; nothing for the baseline itself and what takes as much. */
function smallerThan({ isBaseline, peak }: ReportRow, baseline: string): string {
  if (isBaseline || peak === undefined || peak >= 1 - MEMORY_TOLERANCE) return "";
  return `, with ${formatPercent(1 - peak)} less than ${baseline}`;
}

/** Whether one row is faster than another beyond the intervals that both have against the baseline. */
function isFaster(row: ReportRow, than: ReportRow): boolean {
  const high = row.isBaseline ? 1 : row.warm?.ratio.high;
  const low = than.isBaseline ? 1 : than.warm?.ratio.low;
  return typeof high === "number" && typeof low === "number" && high < low;
}

function isSmaller(row: ReportRow, than: ReportRow): boolean {
  const [own, other] = [row.result.memory?.peakBytes, than.result.memory?.peakBytes];
  return own !== undefined && other !== undefined && own < other * (1 - MEMORY_TOLERANCE);
}

/** What came out on a trace, in a sentence or two. */
export function answerOf(file: ResultFile, trace: TraceResult): string {
  const { baseline } = file.options;
  const usable = (sort: "time" | "memory"): ReportRow[] =>
    reportRows(file, trace, sort).filter(
      (row) => row.result.route !== "none" && row.result.failure === undefined,
    );
  const byTime = usable("time");
  const byMemory = usable("memory");
  const others = byTime.filter(
    (row) => !row.isBaseline && (row.warm !== undefined || row.peak !== undefined),
  );
  const subject = others.find((row) => row.result.allocator === "rustydb") ?? others[0];
  if (subject === undefined) {
    return byTime.length === 0 || file.partial
      ? "Nothing could be compared on this trace."
      : `Only ${byTime.map((row) => row.result.allocator).join(", ")} was measured on this trace: there is nothing to compare it with.`;
  }
  const sentences = [`${subject.result.allocator} ${rowWords(subject, baseline)}`];
  const [fastest, smallest] = [byTime[0], byMemory[0]];
  if (fastest !== undefined && isFaster(fastest, subject)) {
    sentences.push(`the fastest is ${fastest.result.allocator}${asideOf(fastest, baseline)}`);
  }
  if (smallest !== undefined && isSmaller(smallest, subject)) {
    sentences.push(`the smallest is ${smallest.result.allocator}${smallerThan(smallest, baseline)}`);
  }
  return `${sentences.join("; ")}.`;
}

/** Over all traces. */
export function overallAnswer(file: ResultFile): string {
  const means = file.geometricMeans.filter((mean) => mean.metric === "warm" && mean.net);
  const subject =
    means.find((mean) => mean.allocator === "rustydb") ??
    [...means].sort((a, b) => a.ratio.median - b.ratio.median)[0];
  if (subject === undefined) return "";
  const peak = file.geometricMeans.find(
    (mean) => mean.metric === "peak" && mean.allocator === subject.allocator,
  );
  const speed = speedWords(subject.ratio, isMeanDifference(file, subject), subject.baseline);
  const memory = peak === undefined ? "" : ` and takes ${memoryWords(peak.ratio.median)}`;
  return `Over the ${subject.traces} traces (geometric mean) ${subject.allocator} is ${speed}${memory}.`;
}

/** The noise floor of a mean is the mean of its traces' floors at most; the largest is taken. */
export function isMeanDifference(file: ResultFile, mean: GeometricMean): boolean {
  const floors = Object.values(file.harness.noiseFloor ?? {});
  const known = floors.filter((floor) => floor !== null);
  return isDifference(mean.ratio, known.length < floors.length ? null : Math.max(0, ...known));
}

/** What the trace is, in a line. */
export function describeTrace(trace: TraceResult): string {
  const parts = [
    `${formatCount(trace.events)} events`,
    ...(trace.impliedFrees > 0 ? [`${formatCount(trace.impliedFrees)} implied frees`] : []),
    `${formatCount(trace.threads)} thread${trace.threads === 1 ? "" : "s"}`,
    ...(trace.transactions > 0 ? [`${formatCount(trace.transactions)} transactions`] : []),
  ];
  return parts.join(", ");
}
