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

/** What is left of hundreds of results: what reports show of them. */
function withoutRounds({ memory, latencyNs, ...result }: Result): Result {
  const operations = Object.entries(latencyNs ?? {}).map(([operation, values]) => [
    operation,
    { ...values, curveNs: undefined },
  ]);
  return {
    ...result,
    rounds: [],
    ...(memory === undefined ? {} : { memory: { ...memory, timeline: [] } }),
    ...(latencyNs === undefined ? {} : { latencyNs: Object.fromEntries(operations) as typeof latencyNs }),
  };
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
  if (json.length > AIM_BYTES) {
    json = safe(eachResult(short, withoutRounds));
    notes[0] = "rounds, timelines of memory and curves of latency are left out";
    notes.length = 1;
  }
  return {
    script: new Markup(`<script type="application/json" id="result">${json}</script>\n`),
    shortened: notes.length === 0 ? "" : `To keep it small, ${notes.join(", and ")}; --export-json has all.`,
  };
}
