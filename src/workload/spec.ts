/**
 * The schema of a workload file: what it may say. Checked here: names, types, ranges. What depends on other parts of the file
 * (a kind that nobody declared) is checked by compile.ts.
 */
import { z } from "zod";
import { Mistake, suggest } from "./mistake.js";
import { bytes, definition, duration, factor, share, wholeNumber } from "./quantities.js";
import { type DistributionSpec, distribution } from "./shape.js";

export const MOST_THREADS = 1024;
const MOST_BATCH = 1_000_000;

type Issue = {
  code?: string;
  keys?: readonly string[];
  input?: unknown;
  path?: readonly PropertyKey[];
  expected?: string;
};

/** An object with these names and no others. Messages are "what\nremedy", see explain(). */
function record<T extends z.ZodRawShape>(name: string, shape: T) {
  return z.strictObject(shape, {
    error: (raw) => {
      const issue = raw as Issue;
      const [key] = issue.keys ?? [];
      if (key !== undefined) return `${name} has no "${key}"\n${suggest(key, Object.keys(shape))}`;
      return `this should be ${name}, with names and values\nIt may have: ${Object.keys(shape).join(", ")}.`;
    },
  });
}

const text = z
  .string({ error: "this should be a text\nPut it in quotes if it looks like a number." })
  .min(1, { error: "this text is empty\nWrite something." });

/** A name of a kind, population, transaction type or job. */
const name = text.max(100, { error: "this name is too long\nUse at most 100 letters." });

function named<T extends z.ZodType>(what: string, value: T) {
  return z.record(name, value, { error: `this should be ${what} by name\nWrite "name: …" lines, indented.` });
}

/** Tries the shape that the node's own names point at, so that a complaint is about that one. */
function oneOf(what: string, shapes: Readonly<Record<string, z.ZodType>>) {
  const schema = z.unknown().transform((value, context): unknown => {
    const keys =
      typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
    const key = Object.keys(shapes).find((each) => keys.includes(each));
    const schema = key === undefined ? undefined : shapes[key];
    if (schema === undefined) {
      const [first] = keys;
      context.addIssue({
        code: "custom",
        message: `this is no ${what}\n${first === undefined ? `A ${what} begins with one of: ${Object.keys(shapes).join(", ")}.` : suggest(first, Object.keys(shapes))}`,
        ...(first === undefined ? {} : { path: [first] }),
      });
      return z.NEVER;
    }
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const extra = issue.code === "unrecognized_keys" ? [issue.keys[0] ?? ""] : [];
      context.addIssue({ code: "custom", message: issue.message, path: [...issue.path, ...extra] });
    }
    return z.NEVER;
  });
  return schema.meta({ $ref: definition(what) });
}

const alignment = wholeNumber.refine(
  (value) => value > 0 && (value & (value - 1)) === 0 && value <= 2 ** 30,
  {
    error: "an alignment is a power of two, at most 1 GiB\nWrite 16, 64, 4096 or the like.",
  },
);

export type StepSpec =
  | {
      readonly alloc: string;
      readonly count?: DistributionSpec | undefined;
      readonly size?: DistributionSpec | undefined;
      /** `transaction`, `steps`, or a population. */
      readonly lifetime?: string | undefined;
      readonly align?: number | undefined;
      readonly zeroed?: boolean | undefined;
    }
  | { readonly free: "newest" | "oldest" | "any"; readonly count?: DistributionSpec | undefined }
  | { readonly grow: string; readonly size?: DistributionSpec | undefined }
  | { readonly repeat: DistributionSpec; readonly steps: readonly StepSpec[] }
  | {
      readonly savepoint: string;
      readonly rollback?: number | undefined;
      readonly steps: readonly StepSpec[];
    }
  | { readonly chance: number; readonly steps: readonly StepSpec[] }
  | { readonly pick: readonly { readonly weight: number; readonly steps: readonly StepSpec[] }[] }
  | { readonly think: DistributionSpec }
  | { readonly drop: string; readonly count?: DistributionSpec | undefined }
  | { readonly collect: string };

const weight = z
  .number({ error: "a weight is a number\nWrite it like 45 or 0.5." })
  .min(0, { error: "a weight is not below 0\nWrite it like 45 or 0.5." })
  .max(1e9, { error: "this weight is too large\nOnly the ratios count: use smaller ones." });

const count = distribution("count").optional();

const steps: z.ZodType<readonly StepSpec[]> = z.lazy(() =>
  z.array(step, { error: "steps are a list\nBegin each step with a dash." }),
);

const step: z.ZodType<StepSpec> = z.lazy(() => stepShapes) as unknown as z.ZodType<StepSpec>;

/** By the name that tells a step. */
export const STEP_SHAPES: Readonly<Record<string, z.ZodType>> = {
  alloc: record("the step alloc", {
    alloc: name,
    count,
    size: distribution("size").optional(),
    lifetime: name.optional().describe("transaction, steps, or a population."),
    align: alignment.optional(),
    zeroed: z.boolean({ error: "zeroed is true or false\nLeave it out for false." }).optional(),
  }),
  free: record("the step free", {
    free: z.enum(["newest", "oldest", "any"], {
      error:
        "free takes newest, oldest or any of the blocks that this list of steps made\nWrite free: newest.",
    }),
    count,
  }),
  grow: record("the step grow", { grow: name, size: distribution("size").optional() }),
  repeat: record("the step repeat", { repeat: distribution("count"), steps }),
  savepoint: record("the step savepoint", { savepoint: name, rollback: share.optional(), steps }),
  chance: record("the step chance", { chance: share, steps }),
  pick: record("the step pick", {
    pick: z
      .array(record("a branch", { weight, steps }), {
        error: "pick is a list of branches\nEach has a weight and steps.",
      })
      .min(1, { error: "pick has no branch\nGive it some, each with a weight and steps." }),
  }),
  think: record("the step think", { think: distribution("time") }),
  drop: record("the step drop", { drop: name, count }),
  collect: record("the step collect", { collect: name }),
};

const stepShapes = oneOf("step", STEP_SHAPES);

const kind = record("a kind", {
  size: distribution("size"),
  align: alignment.optional(),
  zeroed: z.boolean({ error: "zeroed is true or false\nLeave it out for false." }).optional(),
});

const population = record("a population", {
  dies: z.enum(["random", "oldest", "epoch", "queue", "age", "never"], {
    error: "there is no such death\nOne of random, oldest, epoch, queue, age, never.",
  }),
  share: share.optional().describe("Of the live bytes: its target."),
  age: distribution("time").optional(),
  to: name.optional().describe("The job whose thread frees what is queued."),
  batch: wholeNumber
    .refine((value) => value <= MOST_BATCH, {
      error: "a batch has at most a million blocks\nWrite it like 64.",
    })
    .optional()
    .describe("How many an epoch collector frees at once."),
  opening: steps.optional().describe("Makes members before the trace begins to count, up to the target."),
});

const transaction = record("a transaction type", {
  weight,
  abort: share.optional(),
  steps,
});

const job = record("a job", {
  every: distribution("time"),
  transaction: z.boolean({ error: "transaction is true or false\nLeave it out for false." }).optional(),
  abort: share.optional(),
  steps,
});

const phase = record("a phase", {
  name,
  for: share,
  weights: named("weights", weight).optional(),
  live: factor.optional(),
  populations: named("factors of populations", factor).optional(),
  sizes: named("factors or sizes of kinds", z.union([factor, distribution("size")])).optional(),
});

const samples = record("samples", {
  every: duration.refine((ns) => ns > 0, { error: "every must be above 0\nWrite it like 1s." }),
  limit: bytes.refine((value) => value > 0, { error: "the limit must be above 0\nWrite it like 8GiB." }),
  used: bytes.optional().describe("In use beside what is alive here."),
  "stop-at-limit": z.boolean({ error: "stop-at-limit is true or false\nLeave it out for false." }).optional(),
});

export const workload = record("a workload", {
  workload: name,
  description: text.optional(),
  threads: wholeNumber.refine((value) => value >= 1 && value <= MOST_THREADS, {
    error: `threads must be 1 to ${MOST_THREADS}\nWrite it like 4.`,
  }),
  events: wholeNumber.refine((value) => value >= 1, {
    error: "events must be at least 1\nWrite it like 1000000.",
  }),
  live: bytes.optional().describe("What is alive, in all: the shares of populations are of it."),
  "opening-share": share
    .optional()
    .describe("Of the events: the most that the opening populations take, 25 % by default."),
  pace: duration
    .refine((ns) => ns >= 1 && ns <= 2e9, { error: "pace must be 1 ns to 2 s\nWrite it like 100ns." })
    .optional()
    .describe("Mean time between two events of a thread that is at work."),
  kinds: named("kinds", kind),
  populations: named("populations", population).optional(),
  transactions: named("transaction types", transaction),
  jobs: named("jobs", job).optional(),
  phases: z.array(phase, { error: "phases are a list\nBegin each phase with a dash." }).optional(),
  samples: samples.optional(),
});

export type WorkloadSpec = z.infer<typeof workload>;
export type KindSpec = z.infer<typeof kind>;
export type PopulationSpec = z.infer<typeof population>;
export type PhaseSpec = z.infer<typeof phase>;

/** Checks a parsed file. Throws the first Mistake, in the order of the text as far as zod knows it. */
export function checkSpec(value: unknown): WorkloadSpec {
  const result = workload.safeParse(value);
  if (result.success) return result.data;
  // A mistyped name also leaves the right one missing: the typo is what happened.
  const { issues } = result.error;
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (issue === undefined) throw new Error("zod refused without an issue");
  const extra = issue.code === "unrecognized_keys" ? [issue.keys[0] ?? ""] : [];
  const path = [...issue.path, ...extra].filter((key) => typeof key !== "symbol") as (string | number)[];
  const missing = isMissing(value, path);
  const [what = "", remedy = "See the workloads that are shipped for examples."] = missing
    ? [`"${String(path.at(-1))}" is missing`, `Add ${String(path.at(-1))}: … here.`]
    : issue.message.split("\n");
  throw new Mistake(path, what, remedy);
}

/** True where the path leads to nothing. */
function isMissing(value: unknown, path: readonly (string | number)[]): boolean {
  let node = value;
  for (const key of path) {
    if (typeof node !== "object" || node === null) return false;
    node = (node as Record<string | number, unknown>)[key];
  }
  return node === undefined;
}
