import type { ResultFile, Round } from "../../measure/measurement.js";
import { median } from "../../statistics/summary.js";
import { Markup } from "./markup.js";
import { thinned } from "./thin.js";

const AIM_BYTES = 160_000;
const SPANS = [1000, 400, 200, 100, 50, 20] as const;

/** A result as it lies in a page. */
export interface Embedded {
  readonly script: Markup;
  /** What was left out of it so that the page stays small, in a sentence; empty where it is whole. */
  readonly shortened: string;
}

type Result = ResultFile["results"][number];

const eachResult = (file: ResultFile, change: (result: Result) => Result): ResultFile => ({
  ...file,
  results: file.results.map(change),
});

const withTimelines = (file: ResultFile, spans: number): ResultFile =>
  eachResult(file, (result) =>
    result.memory === undefined
      ? result
      : { ...result, memory: { ...result.memory, timeline: thinned(result.memory.timeline, spans) } },
  );

/** One warm pass in the place of all: small traces have thousands of them a round. */
function withoutPasses({ warmProbeNs: _, ...round }: Round): Round {
  if (round.warmNs.length === 0) return round;
  return { ...round, warmNs: [median(round.warmNs)], warmCpuNs: [median(round.warmCpuNs)] };
}

/** Digits enough for every report. */
const DIGITS = 6;

/** The same result with no more digits than reports show. */
export function rounded(file: ResultFile): ResultFile {
  const short = (_: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
  return JSON.parse(JSON.stringify(file, short)) as ResultFile;
}

/** What is left of hundreds of results: what reports compare, and the page's CSV has the other figures. */
function outline({ allocator, trace, route, threads, order, verified, warm, failure }: Result): Result {
  return {
    ...{ trace, allocator, route, environment: {}, threads, order, rounds: [], stats: {}, verified },
    ...(warm && { warm }),
    ...(failure && { failure }),
  };
}

function outlined(file: ResultFile): ResultFile {
  const results = file.results.filter(({ route }) => route !== "none").map(outline);
  const anyNet = file.comparisons.some(({ metric, net }) => metric === "warm" && net);
  const comparisons = file.comparisons.filter(
    ({ metric, net }) => metric === "peak" || (metric === "warm" && net === anyNet),
  );
  return rounded({ ...file, results, comparisons });
}

/** JSON that no parser of HTML ends early: `</script` and `<!--` both need their `<`. */
const safe = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** The result as JSON in a script element, shortened as far as the size asks for. */
export function embedded(file: ResultFile): Embedded {
  const notes: string[] = [];
  let json = safe(file);
  const longTimelines = Math.max(0, ...file.results.map(({ memory }) => memory?.timeline.length ?? 0));
  let short = file;
  for (const spans of SPANS.filter((spans) => spans < longTimelines)) {
    if (json.length <= AIM_BYTES) break;
    short = withTimelines(file, spans);
    json = safe(short);
    notes[0] = `timelines of memory are thinned out to ${spans} points each, the highest of each span`;
  }
  if (json.length > AIM_BYTES) {
    const rounds = eachResult(short, (result) => ({ ...result, rounds: result.rounds.map(withoutPasses) }));
    notes.push("of the warm passes of a round there is only the median");
    short = rounds;
    json = safe(short);
  }
  // The page of a benchmark has a row and a dot for each of them, and is long enough.
  if (json.length > AIM_BYTES && file.bench !== undefined) {
    json = safe(outlined(file));
    notes.splice(
      0,
      notes.length,
      "rounds, cold times, memory and latency are left out, whose figures the CSV has",
      `numbers have ${DIGITS} digits`,
    );
  }
  return {
    script: new Markup(`<script type="application/json" id="result">${json}</script>\n`),
    shortened: notes.length === 0 ? "" : `To keep it small, ${notes.join(", and ")}; --export-json has all.`,
  };
}
