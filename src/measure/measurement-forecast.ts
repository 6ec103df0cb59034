import { z } from "zod";
import { FORECAST_MODELS, PRESSURE_LEVELS } from "../native/pressure.js";

/** What the early warning makes of a replay: part of the result file. Times are seconds of the trace since its first. */

const horizonSchema = z.object({
  horizonS: z.number(),
  usedBytes: z.number(),
  lowBytes: z.number(),
  highBytes: z.number(),
  highestBytes: z.number(),
  crossingChance: z.number().nullable(),
});

const entrySchema = z.object({
  level: z.enum(PRESSURE_LEVELS),
  /** When this level, or a higher one, was entered first. */
  atS: z.number(),
  /** How often it was. */
  times: z.number(),
  /** Since when it stood at the end, or as memory ran out; null: it had been left. */
  standsSinceS: z.number().nullable(),
  usedBytes: z.number(),
  /** What it followed from. */
  reason: z
    .object({ kind: z.enum(["usage", "chance", "held"]), value: z.number(), threshold: z.number() })
    .nullable(),
  /** As it was forecast then, from then on; null: usage was not heading there. */
  timeToCritical: z.object({ earliestS: z.number(), latestS: z.number().nullable() }).nullable(),
  /** The forecast then; empty where there was none yet. */
  horizons: z.array(horizonSchema),
});

/** An allocator's memory over the time of the trace, under the forecaster. */
const courseSchema = z.object({
  /** How often memory was looked at. */
  samples: z.number(),
  peakBytes: z.number(),
  /** When usage reached the limit; null: never. What comes behind it is not forecast. */
  outS: z.number().nullable(),
  /** Each level that was entered, in their order. */
  entries: z.array(entrySchema),
  /** When there was a forecast first; null: never, the trace is too short. */
  firstForecastS: z.number().nullable(),
  /** At the end, or as it ran out: 1 − the mean error over that of "no change"; null: nothing could be compared. */
  skill: z.array(z.object({ horizonS: z.number(), skill: z.number().nullable() })),
  /** In equal spans of time: the highest usage and live bytes; null where nothing was read. */
  chart: z.object({
    usedBytes: z.array(z.number().nullable()),
    liveBytes: z.array(z.number().nullable()),
  }),
});

const relievedSchema = courseSchema.extend({
  /** The calls that give memory back; null: the allocator has none that is known, and nothing was done. */
  by: z.string().nullable(),
  reliefs: z.array(
    z.object({
      atS: z.number(),
      level: z.enum(PRESSURE_LEVELS),
      beforeBytes: z.number(),
      returnedBytes: z.number(),
    }),
  ),
});

export const forecastSchema = courseSchema.extend({
  model: z.enum(FORECAST_MODELS),
  /** Null: none was given, so there are no levels. */
  limitBytes: z.number().nullable(),
  limitFrom: z.enum(["option", "trace"]).nullable(),
  spanS: z.number(),
  /** The same once more, the allocator giving memory back as its level said; absent where it was not asked for. */
  relieved: relievedSchema.optional(),
});

export type ForecastResult = z.infer<typeof forecastSchema>;
export type ForecastCourse = z.infer<typeof courseSchema>;
export type RelievedCourse = z.infer<typeof relievedSchema>;
export type LevelEntry = z.infer<typeof entrySchema>;
