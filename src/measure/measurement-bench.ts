import { z } from "zod";

/** What `bench` adds to a result: how its cases are grouped, and figures that compare no allocators. */

const endsSchema = z.object({
  estimate: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const figureSchema = z.object({
  suite: z.string(),
  name: z.string(),
  /** `ns` or a share (`1`), and the like. */
  unit: z.string(),
  /** Median and its 95 % interval. */
  value: endsSchema,
});

const VERDICTS = ["met", "not met", "open", "not measured"] as const;

const claimSchema = z.object({
  area: z.string(),
  claim: z.string(),
  /** As the claim says it. */
  target: z.string(),
  /** In a few words: what was measured, and against what. */
  protocol: z.string(),
  unit: z.string(),
  value: endsSchema.nullable(),
  /** `open`: the interval reaches over an end of the target. */
  verdict: z.enum(VERDICTS),
  /** Why it was not measured, or what else there is to know. */
  note: z.string().optional(),
  /** Words behind `rustydb-mem`, or a whole command. */
  command: z.string(),
});

/** Over the cases of a suite, as a geometric mean over traces. */
const meanSchema = z.object({
  allocator: z.string(),
  baseline: z.string(),
  metric: z.enum(["warm", "cold", "cpu", "peak"]),
  ratio: z.object({ median: z.number(), low: z.number().nullable(), high: z.number().nullable() }),
  net: z.boolean(),
  traces: z.number(),
});

export const benchSchema = z.object({
  /** Cases are names of `traces`. */
  suites: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      cases: z.array(z.string()),
      means: z.array(meanSchema),
    }),
  ),
  figures: z.array(figureSchema),
  claims: z.array(claimSchema),
  /** Of `--compare`: what has changed since, ratios to the baseline of the same run against each other. */
  compared: z
    .object({
      path: z.string(),
      date: z.string(),
      changes: z.array(
        z.object({
          trace: z.string(),
          allocator: z.string(),
          metric: z.enum(["warm", "cold", "cpu", "peak"]),
          change: z.object({
            median: z.number(),
            low: z.number().nullable(),
            high: z.number().nullable(),
          }),
          different: z.boolean(),
        }),
      ),
      /** What else is different: machine, options, libraries. */
      warnings: z.array(z.string()),
    })
    .optional(),
});

export type BenchResult = z.infer<typeof benchSchema>;
export type BenchFigure = BenchResult["figures"][number];
export type Claim = BenchResult["claims"][number];
export type ClaimVerdict = Claim["verdict"];
