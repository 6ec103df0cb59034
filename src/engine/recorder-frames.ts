import { z } from "zod";
import { RECORD_STOPS, type RecordedProcess, type RecordingTotals } from "../trace/recording.js";

/** What the collector says, a line of JSON each; native/collector/collector_frames.h is the contract. */

const count = z.number().int().nonnegative();

const recordedProcess = z.object({
  frame: z.literal("process"),
  path: z.string(),
  pid: count,
  parentPid: count,
  forked: z.boolean(),
  program: z.string(),
  events: count,
  threads: count,
  dropped: count,
  damagedRings: count,
  gaveUp: z.boolean(),
  inheritedBlocks: count,
  durationNs: count,
  cpuNs: count,
  residentBytes: count,
  peakResidentBytes: count,
  bytes: count,
}) satisfies z.ZodType<RecordedProcess>;

const progress = z.object({
  frame: z.literal("progress"),
  events: count,
  bytes: count,
  dropped: count,
  processes: count,
  alive: count,
  residentBytes: count,
  recording: z.boolean(),
}) satisfies z.ZodType<RecordingTotals>;

const frame = z.discriminatedUnion("frame", [
  z.object({ frame: z.literal("ready"), folder: z.string() }),
  progress,
  z.object({ frame: z.literal("stopped"), why: z.enum(RECORD_STOPS) }),
  z.object({ frame: z.literal("failure"), code: z.string(), message: z.string() }),
  recordedProcess,
  z.object({ frame: z.literal("end"), mallocNsPerEvent: z.number().nonnegative() }),
]);

export type RecordFrame = z.infer<typeof frame>;

/** undefined: not our language. */
export function parseRecordFrame(line: string): RecordFrame | undefined {
  try {
    return frame.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
