import type { ResultFile } from "../../measure/measurement.js";
import { Markup } from "./markup.js";
import { thinned } from "./thin.js";

const AIM_BYTES = 250_000;
const SPANS = [1000, 400, 200, 100, 50, 20] as const;

/** A result as it lies in a page. */
export interface Embedded {
  readonly script: Markup;
  /** What was left out of it so that the page stays small, in a sentence. */
  readonly shortened: string | undefined;
}

const withTimelines = (file: ResultFile, spans: number): ResultFile => ({
  ...file,
  results: file.results.map((result) =>
    result.memory === undefined
      ? result
      : { ...result, memory: { ...result.memory, timeline: thinned(result.memory.timeline, spans) } },
  ),
});

/** JSON that no parser of HTML ends early: `</script` and `<!--` both need their `<`. */
const safe = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** The result as JSON in a script element, its timelines thinned out as far as the size asks for. */
export function embedded(file: ResultFile): Embedded {
  const whole = safe(file);
  let json = whole;
  let spans: number | undefined;
  for (const fewer of SPANS) {
    if (json.length <= AIM_BYTES) break;
    const shorter = safe(withTimelines(file, fewer));
    if (shorter.length === json.length) continue;
    json = shorter;
    spans = fewer;
  }
  return {
    script: new Markup(`<script type="application/json" id="result">${json}</script>\n`),
    shortened:
      spans === undefined
        ? undefined
        : `Its timelines of memory are thinned out to ${spans} points each (the highest of each span); --export-json has them whole.`,
  };
}
