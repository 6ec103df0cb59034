import { z } from "zod";
import { PRESSURE_LEVELS } from "../native/pressure.js";

/** What the replay executable says on its standard output: one JSON object a line, named by `frame`. */

const helloSchema = z.object({
  frame: z.literal("hello"),
  /** Real path of the object that defines malloc in that process. */
  mallocLibrary: z.string(),
  /** As the library tells it; null where it has no such call. */
  mallocVersion: z.string().nullable(),
  route: z.string(),
  /** Cost of one reading of the clock. */
  clockNs: z.number(),
  pid: z.number(),
});

const progressSchema = z.object({
  frame: z.literal("progress"),
  pass: z.number(),
  done: z.number(),
  total: z.number(),
});

const passSchema = z.object({
  frame: z.literal("pass"),
  cold: z.boolean(),
  wallNs: z.number(),
  cpuNs: z.number(),
  /** Of the whole pass: what lies before and behind the measured part, and tidying up, is in it. */
  wholeNs: z.number(),
  /** A fixed piece of work on the same CPU, the slower of before and after the pass. */
  probeNs: z.number(),
  /** Peak of requested bytes alive in this pass, over all sections. */
  replayedPeakBytes: z.number(),
});

const sampleSchema = z.object({
  frame: z.literal("sample"),
  event: z.number(),
  liveBytes: z.number(),
  /** Anonymous memory of the process: resident, huge and swapped. */
  bytes: z.number(),
  /** Absent where the source of the reading does not tell. */
  hugeBytes: z.number().optional(),
  /** False: a look for its time alone. */
  weighs: z.boolean().default(true),
  /** Looks at times of the trace: when, and since when nothing was allocated or freed. */
  timeNs: z.number().optional(),
  sinceNs: z.number().optional(),
  allocatedBytes: z.number().optional(),
});

/** The allocator was asked to give memory back. Bytes are the process's. */
const reliefSchema = z.object({
  frame: z.literal("relief"),
  event: z.number(),
  timeNs: z.number(),
  level: z.enum(PRESSURE_LEVELS),
  beforeBytes: z.number(),
  afterBytes: z.number(),
});

const percentilesSchema = z.object({
  count: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  p999: z.number(),
  p9999: z.number(),
  max: z.number(),
  /** What all but a share of 10^(−i/8) do not exceed, i from 0 to 32: to p99.99. */
  curveNs: z.array(z.number()).optional(),
});

const resultSchema = z.object({
  frame: z.literal("result"),
  stats: z.record(z.string(), z.number()).default({}),
  // memory rounds
  /** Where the readings came from; `status` does not tell huge pages. */
  memorySource: z.enum(["smaps_rollup", "status"]).optional(),
  minorFaults: z.number().optional(),
  endBytes: z.number().optional(),
  idleBytes: z.number().optional(),
  /** By what calls memory was to be given back; null: the allocator has none that is known. */
  reliefName: z.string().nullable().optional(),
  // latency rounds
  latencyNs: z
    .object({
      alloc: percentilesSchema,
      free: percentilesSchema,
      realloc: percentilesSchema,
      transaction: percentilesSchema,
    })
    .partial()
    .optional(),
});

/** A round on request: it sleeps until it is asked for passes. */
const readySchema = z.object({ frame: z.literal("ready") });

const failureSchema = z.object({
  frame: z.literal("failure"),
  code: z.string(),
  message: z.string(),
  event: z.number().optional(),
});

/** It was told to stop, and did. */
const stoppedSchema = z.object({ frame: z.literal("stopped"), pass: z.number() });

const frameSchema = z.discriminatedUnion("frame", [
  helloSchema,
  progressSchema,
  passSchema,
  sampleSchema,
  reliefSchema,
  resultSchema,
  readySchema,
  failureSchema,
  stoppedSchema,
]);

export type Frame = z.infer<typeof frameSchema>;
export type Hello = z.infer<typeof helloSchema>;
export type Progress = z.infer<typeof progressSchema>;
export type Pass = z.infer<typeof passSchema>;
export type MemorySample = z.infer<typeof sampleSchema>;
export type ReliefFrame = z.infer<typeof reliefSchema>;
export type RoundResult = z.infer<typeof resultSchema>;
export type Failure = z.infer<typeof failureSchema>;

/** The frame on a line; undefined where the line is none. */
export function parseFrame(line: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = frameSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
