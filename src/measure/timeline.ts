import type { MemorySample, RoundOutcome, RunOptions } from "../engine/replayer.js";
import { ReplayError } from "../errors.js";
import type { MemoryResult } from "./measurement.js";
import type { MemoryCourse } from "./measurement-progress.js";

/** Mean of the bytes over the events between the samples, each holding until the next. */
function meanOverEvents(timeline: MemoryResult["timeline"]): number {
  let area = 0;
  let events = 0;
  for (const [index, point] of timeline.entries()) {
    const next = timeline[index + 1];
    if (next === undefined) break;
    area += point.bytes * (next.event - point.event);
    events += next.event - point.event;
  }
  return events === 0 ? (timeline[0]?.bytes ?? 0) : area / events;
}

/** The most that lay in huge pages; nothing where some readings did not tell. */
function hugePages(samples: readonly MemorySample[]): { hugePageBytes?: number } {
  let most = 0;
  for (const { hugeBytes } of samples) {
    if (hugeBytes === undefined) return {};
    most = Math.max(most, hugeBytes);
  }
  return { hugePageBytes: most };
}

/** Each look less the same one of the `none` route. */
function netSamples(allocator: string, round: RoundOutcome, none: RoundOutcome): MemorySample[] {
  const bare: readonly MemorySample[] = none.samples;
  return round.samples.map((sample, index) => {
    const without = bare[index];
    if (without === undefined || without.event !== sample.event || bare.length !== round.samples.length) {
      throw new ReplayError(
        "samples-differ",
        allocator,
        `The memory rounds of ${allocator} and of the empty loop did not sample the same events`,
      );
    }
    return { ...sample, bytes: Math.max(0, sample.bytes - without.bytes) };
  });
}

/** Keeps an allocator's memory while it is weighed, for whoever watches: each look less the same one of the empty loop. */
export function followMemory(
  none: RoundOutcome,
  then: RunOptions["onSample"],
): { course: MemoryCourse; onSample: NonNullable<RunOptions["onSample"]> } {
  const course: MemoryCourse = [];
  return {
    course,
    onSample: (sample, index) => {
      const { event, liveBytes, weighs } = sample;
      const bytes = Math.max(0, sample.bytes - (none.samples[index]?.bytes ?? 0));
      if (weighs) course.push({ event, liveBytes, bytes });
      then?.(sample, index);
    },
  };
}

/**
 * The allocator's memory: a memory round less the same readings of the `none` route, sample by sample. Throws
 * ReplayError `samples-differ` where the two did not look at the same events.
 */
export function memoryOf(allocator: string, round: RoundOutcome, none: RoundOutcome): MemoryResult {
  const timeline = netSamples(allocator, round, none)
    .filter(({ weighs }) => weighs)
    .map(({ event, liveBytes, bytes }) => ({ event, liveBytes, bytes }));
  const peakBytes = timeline.reduce((peak, point) => Math.max(peak, point.bytes), 0);
  const peakLiveBytes = timeline.reduce((peak, point) => Math.max(peak, point.liveBytes), 0);
  const less = (value: number | undefined, base: number | undefined): number =>
    Math.max(0, (value ?? 0) - (base ?? 0));
  const { result } = round;
  return {
    peakBytes,
    peakLiveBytes,
    integratedBytes: meanOverEvents(timeline),
    fragmentationAtPeak: peakLiveBytes === 0 ? 0 : peakBytes / peakLiveBytes - 1,
    endBytes: less(result.endBytes, none.result.endBytes),
    ...(result.idleBytes === undefined ? {} : { idleBytes: less(result.idleBytes, none.result.idleBytes) }),
    minorFaults: less(result.minorFaults, none.result.minorFaults),
    ...hugePages(round.samples),
    timeline,
  };
}
