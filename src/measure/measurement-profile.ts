import { z } from "zod";

/** What a trace holds, small enough to lie in a result. Counts by bit width: `[b]` is 2^(b−1) ≤ value < 2^b, `[0]` zeros. */

const byBits = z.array(z.number());

const lifetimesSchema = z.object({
  /** Blocks that died; those that live on at the end have no lifetime. */
  blocks: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
  blocksByBits: byBits,
});

export const profileSchema = z.object({
  /** Allocations and reallocations, each with the whole size it asked for. */
  blocks: z.number(),
  bytes: z.number(),
  sizes: z.object({
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    max: z.number(),
    blocksByBits: byBits,
    bytesByBits: byBits,
    /** Of what is alive at the peak of live bytes. */
    peakBytesByBits: byBits,
  }),
  lifetimeEvents: lifetimesSchema,
  /** Null where the trace has no times. */
  lifetimeNs: lifetimesSchema.nullable(),
  peak: z.object({ event: z.number(), liveBytes: z.number(), liveBlocks: z.number() }),
  /** The first by bytes; empty where the trace names none. */
  kinds: z.array(
    z.object({ kind: z.string(), blocks: z.number(), bytes: z.number(), peakBytes: z.number() }),
  ),
  /** Absent where the trace has no call stacks. */
  callSites: z
    .object({
      /** A stack was taken every so many bytes; 0: at every allocation, and the figures are exact. */
      stackBytes: z.number(),
      stacks: z.number(),
      sites: z.number(),
      /** The first by bytes alive at the peak. */
      atPeak: z.array(
        z.object({
          /** Innermost first, cut after the first twelve. */
          frames: z.array(z.string()),
          stacks: z.number(),
          bytes: z.number(),
          blocks: z.number(),
        }),
      ),
    })
    .optional(),
});

export type TraceProfile = z.infer<typeof profileSchema>;
export type Lifetimes = z.infer<typeof lifetimesSchema>;
