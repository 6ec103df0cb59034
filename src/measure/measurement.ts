import { z } from "zod";
import { benchSchema } from "./measurement-bench.js";
import { forecastSchema } from "./measurement-forecast.js";
import { profileSchema } from "./measurement-profile.js";

/**
 * The result file: what one run measured, versioned. Every key carries its unit. A reader accepts keys it does not
 * know and refuses a newer schemaVersion.
 */
export const SCHEMA_VERSION = 1;

const numberOrNull = z.number().nullable();

/** Median of the log ratios of the pairs and its 95 % interval; no ends where there were fewer than two pairs. */
const ratioSchema = z.object({ median: z.number(), low: z.number().nullable(), high: z.number().nullable() });

const traceSchema = z.object({
  name: z.string(),
  sha256: z.string(),
  /** Explicit events that a replay executes: alloc, free, realloc, begin, commit, abort. */
  events: z.number(),
  /** Frees of blocks that die with their transaction. */
  impliedFrees: z.number(),
  /** Between the marks `start` and `stop`, what the times are about. */
  measuredEvents: z.number(),
  measuredImpliedFrees: z.number(),
  threads: z.number(),
  transactions: z.number(),
  peakLiveBytes: z.number(),
  dropped: z.number(),
  repaired: z.number(),
  /** What was dropped or repaired, by category, with the first places. */
  repairs: z.array(
    z.object({
      category: z.string(),
      dropped: z.boolean(),
      count: z.number(),
      firstPositions: z.array(z.number()),
    }),
  ),
  warnings: z.array(z.string()),
  crossThreadFrees: z.number(),
  scopedBlocks: z.number(),
  eligibleBlocks: z.number(),
  waits: z.number(),
  openingBlocks: z.number(),
  /** CPUs of the machine where the trace was taken, where the trace says so. */
  originCpus: z.number().optional(),
  /** What it holds, where an export asked for it. */
  profile: profileSchema.optional(),
  /** Why there is none although one was asked for: the trace came through a pipe, which can be read once only. */
  profileAbsent: z.literal("read-once").optional(),
});

const roundSchema = z.object({
  /** Number of the round in the schedule, from 1: what pairs it with the others. */
  round: z.number(),
  coldNs: z.number(),
  warmNs: z.array(z.number()),
  /** CPU time of the process in all passes of the round. */
  cpuNs: z.number(),
  coldCpuNs: z.number(),
  warmCpuNs: z.array(z.number()),
  /** Of each warm pass: a fixed piece of work on the same CPU, the slower of before and after it. */
  warmProbeNs: z.array(z.number()).optional(),
  /** The fastest probe of any pass on this trace until then: the CPU at full speed. */
  fastestProbeNs: z.number().optional(),
  replayedOverRecordedPeak: z.number(),
  /** Beyond 1 % of the recorded peak the threads ran apart: left out of every figure. */
  valid: z.boolean(),
});

const perEventSchema = z.object({
  rawNsPerEvent: z.number(),
  /** Less the loop's own cost; null where the loop was not measured. */
  netNsPerEvent: numberOrNull,
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

const latencySchema = z.object({
  alloc: percentilesSchema.optional(),
  free: percentilesSchema.optional(),
  realloc: percentilesSchema.optional(),
  transaction: percentilesSchema.optional(),
});

const memorySchema = z.object({
  /** The allocator's anonymous memory: what the process had, less what it had at the same event under `none`. */
  peakBytes: z.number(),
  /** Requested bytes alive at the live peak. */
  peakLiveBytes: z.number(),
  /** Mean over the events: the area under the timeline. */
  integratedBytes: z.number(),
  /** peakBytes / peakLiveBytes − 1. */
  fragmentationAtPeak: z.number(),
  endBytes: z.number(),
  idleBytes: z.number().optional(),
  minorFaults: z.number(),
  /** Absent where the readings did not tell, as of very large processes. */
  hugePageBytes: z.number().optional(),
  timeline: z.array(z.object({ event: z.number(), liveBytes: z.number(), bytes: z.number() })),
});

const resultSchema = z.object({
  trace: z.string(),
  allocator: z.string(),
  /** The library that answered malloc in the replay process. */
  library: z.string().optional(),
  version: z.string().optional(),
  route: z.string(),
  environment: z.record(z.string(), z.string()),
  /** The configuration file of its heap; the text is what stood in it. */
  config: z.object({ path: z.string(), sha256: z.string(), text: z.string() }).optional(),
  threads: z.number(),
  order: z.enum(["free", "recorded"]),
  rounds: z.array(roundSchema),
  warm: perEventSchema.optional(),
  cold: perEventSchema.optional(),
  cpu: perEventSchema.optional(),
  eventsPerSecond: z.number().optional(),
  latencyNs: latencySchema.optional(),
  memory: memorySchema.optional(),
  forecast: forecastSchema.optional(),
  /** Median of the rounds. */
  replayedOverRecordedPeak: z.number().optional(),
  /** What the allocator counts about itself. */
  stats: z.record(z.string(), z.number()),
  /** null: not checked. */
  verified: z.boolean().nullable(),
  /** Why this allocator has no figures, or not all. */
  failure: z.object({ code: z.string(), message: z.string(), event: z.number().optional() }).optional(),
});

export const METRICS = ["warm", "cold", "cpu", "peak"] as const;

const comparisonSchema = z.object({
  trace: z.string(),
  allocator: z.string(),
  baseline: z.string(),
  metric: z.enum(METRICS),
  ratio: ratioSchema,
  /** Whether the loop's own cost was taken off both sides. */
  net: z.boolean(),
  pairs: z.number(),
});

const hostSchema = z.object({
  cpuModel: z.string(),
  cores: z.number(),
  kernel: z.string(),
  architecture: z.string(),
  libc: z.string().nullable(),
  node: z.string(),
  governor: z.string().nullable(),
  transparentHugePages: z.string().nullable(),
  overcommit: z.number().nullable(),
  aslr: z.number().nullable(),
  loadAverage: z.array(z.number()),
  /** Share of the last 10 s in which some task waited. */
  pressure: z.object({
    cpu: z.number().nullable(),
    memory: z.number().nullable(),
    io: z.number().nullable(),
  }),
  /** Share of all CPU time since boot that the hypervisor gave to others. */
  stealShare: z.number().nullable(),
  memoryBytes: z.number(),
  availableMemoryBytes: z.number(),
  cgroupLimitBytes: z.number().nullable(),
  virtualMachine: z.boolean(),
});

export const resultFileSchema = z.object({
  schemaVersion: z.literal(SCHEMA_VERSION),
  tool: z.object({ name: z.string(), version: z.string(), commit: z.string().nullable() }),
  date: z.string(),
  /** Stopped before it was complete: what was finished is here. */
  partial: z.boolean(),
  command: z.array(z.string()),
  host: hostSchema,
  options: z.object({
    allocators: z.array(z.string()),
    baseline: z.string(),
    rounds: z.number(),
    warmup: z.number(),
    warmPasses: z.record(z.string(), z.number()),
    threads: z.number(),
    touch: z.enum(["first", "page", "all", "none"]),
    speed: z.enum(["max", "1x"]),
    order: z.enum(["free", "recorded"]),
    seed: z.number(),
    verify: z.boolean(),
    latency: z.boolean(),
    memory: z.boolean(),
    aa: z.boolean(),
    untilWidth: z.number().nullable(),
    maxRounds: z.number(),
    idleMs: z.number(),
    /** Absent: not asked for. */
    forecast: z.object({ limitBytes: z.number().nullable(), purge: z.boolean() }).optional(),
  }),
  traces: z.array(traceSchema),
  results: z.array(resultSchema),
  comparisons: z.array(comparisonSchema),
  /** Geometric means over the traces; empty for a single one. */
  geometricMeans: z.array(comparisonSchema.omit({ trace: true, pairs: true }).extend({ traces: z.number() })),
  harness: z.object({
    /** Cost of the loop with nothing behind it, by trace. */
    loopNsPerEvent: z.record(z.string(), z.number()),
    /** One reading of the clock; a timed operation takes two. */
    clockNs: z.number().nullable(),
    /**
     * By trace: the relative difference that the baseline showed against itself, where `--aa` asked; null where it
     * was so noisy that no bound was found, and then nothing is called a difference.
     */
    noiseFloor: z.record(z.string(), numberOrNull).optional(),
  }),
  warnings: z.array(z.string()),
  /** Of `bench`. */
  bench: benchSchema.optional(),
});

export type ResultFile = z.infer<typeof resultFileSchema>;
export type TraceResult = ResultFile["traces"][number];
export type AllocatorResult = ResultFile["results"][number];
export type Ratio = z.infer<typeof ratioSchema>;
export type Round = AllocatorResult["rounds"][number];
export type Comparison = ResultFile["comparisons"][number];
export type GeometricMean = ResultFile["geometricMeans"][number];
export type MemoryResult = NonNullable<AllocatorResult["memory"]>;
export type Percentiles = z.infer<typeof percentilesSchema>;
export type LatencyResult = NonNullable<AllocatorResult["latencyNs"]>;
export type HostInfo = ResultFile["host"];
export type Metric = (typeof METRICS)[number];
