import type { MemoryResult } from "../../measure/measurement.js";

type Timeline = MemoryResult["timeline"];

/** The point with the most memory in each of `spans` equal spans of events, and the first and the last: no peak is lost. */
export function thinned(timeline: Timeline, spans: number): Timeline {
  const [first, last] = [timeline[0], timeline.at(-1)];
  if (first === undefined || last === undefined || timeline.length <= spans + 2) return timeline;
  const width = (last.event - first.event) / spans;
  const highest = new Map<number, Timeline[number]>();
  for (const point of timeline.slice(1, -1)) {
    const span = Math.min(spans - 1, Math.floor((point.event - first.event) / width));
    const known = highest.get(span);
    if (known === undefined || point.bytes > known.bytes) highest.set(span, point);
  }
  return [first, ...highest.values(), last];
}
