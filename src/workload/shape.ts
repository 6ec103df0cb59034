/** Distributions as a workload file says them. */
import { z } from "zod";
import { suggest } from "./mistake.js";
import {
  definition,
  EXAMPLES,
  type JsonSchema,
  LARGEST_VALUE,
  parseQuantity,
  type Quantity,
} from "./quantities.js";

/** In bytes, ns or numbers. Values are truncated to min … max (the rest is as likely as before, relatively). */
export type Shape =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly min: number; readonly max: number }
  | { readonly kind: "loguniform"; readonly min: number; readonly max: number }
  | {
      readonly kind: "lognormal";
      readonly median: number;
      readonly sigma: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: "exponential"; readonly mean: number; readonly min: number; readonly max: number }
  /** A value k has the weight k^-exponent. */
  | { readonly kind: "zipf"; readonly exponent: number; readonly min: number; readonly max: number }
  /** From, to (both included, equally likely) and weight. */
  | { readonly kind: "empirical"; readonly bins: readonly (readonly [number, number, number])[] };

export interface DistributionSpec {
  readonly shape: Shape;
  /** Values are multiples of it. */
  readonly step: number;
}

const KINDS = ["uniform", "loguniform", "lognormal", "exponential", "zipf", "empirical"] as const;
type Named = (typeof KINDS)[number];

const PARAMETERS: Readonly<Record<Exclude<Named, "empirical">, readonly string[]>> = {
  uniform: ["min", "max"],
  loguniform: ["min", "max"],
  lognormal: ["median", "mean", "sigma", "min", "max"],
  exponential: ["mean", "min", "max"],
  zipf: ["exponent", "min", "max"],
};

/** What must be among them; a lognormal also has a median or a mean. */
const NEEDED: Readonly<Record<Exclude<Named, "empirical">, readonly string[]>> = {
  uniform: ["min", "max"],
  loguniform: ["min", "max"],
  lognormal: ["sigma"],
  exponential: ["mean"],
  zipf: ["exponent", "max"],
};

/** Those that are plain numbers, whatever the distribution is over. */
const PLAIN: Readonly<Record<string, JsonSchema>> = {
  sigma: { type: "number", minimum: 0.001, maximum: 6 },
  exponent: { type: "number", minimum: 0, maximum: 20 },
};

class Refusal extends Error {
  constructor(
    readonly path: readonly (string | number)[],
    what: string,
    remedy: string,
  ) {
    super(`${what}\n${remedy}`);
  }
}

const say = (value: unknown): string => JSON.stringify(value) ?? "nothing";

class Reader {
  constructor(private readonly quantity: Quantity) {}

  read(value: unknown): DistributionSpec {
    const constant = parseQuantity(value, this.quantity);
    if (constant !== undefined) return { shape: { kind: "constant", value: Math.round(constant) }, step: 1 };
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Refusal(
        [],
        `${say(value)} is no ${this.quantity} and no distribution`,
        `Write a ${this.quantity} like ${EXAMPLES[this.quantity]}, or one of ${KINDS.join(", ")}.`,
      );
    }
    const { step, ...rest } = value as Record<string, unknown>;
    const [kind, ...more] = Object.keys(rest);
    if (kind === undefined || more.length > 0) {
      throw new Refusal(
        more[0] === undefined ? [] : [more[0]],
        "a distribution has one name, and may have a step beside it",
        `The names are ${KINDS.join(", ")}.`,
      );
    }
    if (!(KINDS as readonly string[]).includes(kind))
      throw new Refusal([kind], `there is no distribution "${kind}"`, suggest(kind, KINDS));
    return {
      shape: this.shape(kind as Named, rest[kind]),
      step: step === undefined ? 1 : Math.max(1, this.whole(step, ["step"])),
    };
  }

  private shape(kind: Named, given: unknown): Shape {
    if (kind === "empirical") return this.empirical(given);
    const values = this.parameters(kind, given);
    const has = (name: string): boolean => values[name] !== undefined;
    const range = (min: number, max: number): { min: number; max: number } => {
      const lowest = has("min") ? this.whole(values.min, [kind, "min"]) : min;
      const highest = has("max") ? this.whole(values.max, [kind, "max"]) : max;
      if (lowest > highest)
        throw new Refusal(
          [kind],
          `the smallest value (${lowest}) is above the largest (${highest})`,
          "Swap min and max.",
        );
      return { min: lowest, max: highest };
    };
    switch (kind) {
      case "uniform":
        return { kind, ...range(Number.NaN, Number.NaN) };
      case "loguniform": {
        const { min, max } = range(Number.NaN, Number.NaN);
        if (min < 1) throw new Refusal([kind], "min must be at least 1", "Logarithms begin above 0.");
        return { kind, min, max };
      }
      case "lognormal": {
        const sigma = this.number(values.sigma, [kind, "sigma"], 0.001, 6);
        if (has("median") === has("mean"))
          throw new Refusal([kind], "a lognormal has a median or a mean", "Give exactly one of the two.");
        const middle = has("median")
          ? this.amount(values.median, [kind, "median"])
          : this.amount(values.mean, [kind, "mean"]) / Math.exp((sigma * sigma) / 2);
        // Six sigma: what lies beyond is one in a billion.
        const edge = Math.exp(6 * sigma);
        return {
          kind,
          median: middle,
          sigma,
          ...range(
            Math.max(1, Math.floor(middle / edge)),
            Math.min(LARGEST_VALUE / 2, Math.ceil(middle * edge)),
          ),
        };
      }
      case "exponential": {
        const mean = this.amount(values.mean, [kind, "mean"]);
        return { kind, mean, ...range(0, Math.min(LARGEST_VALUE / 2, Math.ceil(mean * 21))) };
      }
      case "zipf": {
        const exponent = this.number(values.exponent, [kind, "exponent"], 0, 20);
        const { min, max } = range(1, Number.NaN);
        if (min < 1) throw new Refusal([kind, "min"], "min must be at least 1", "Ranks begin at 1.");
        return { kind, exponent, min, max };
      }
    }
  }

  /** `uniform: [1, 5]` is short for min and max; everything else is told by name. */
  private parameters(kind: Exclude<Named, "empirical">, given: unknown): Record<string, unknown> {
    if (Array.isArray(given) && given.length === 2 && PARAMETERS[kind].length === 2)
      return { min: given[0], max: given[1] };
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new Refusal(
        [kind],
        `${say(given)} does not say the ${PARAMETERS[kind].join(", ")} of a ${kind} distribution`,
        `Write ${kind}: { ${PARAMETERS[kind].map((name) => `${name}: …`).join(", ")} }.`,
      );
    }
    const values = given as Record<string, unknown>;
    const wrong = Object.keys(values).find((name) => !PARAMETERS[kind].includes(name));
    if (wrong !== undefined)
      throw new Refusal(
        [kind, wrong],
        `a ${kind} distribution has no ${wrong}`,
        suggest(wrong, PARAMETERS[kind]),
      );
    const missing = NEEDED[kind].find((name) => values[name] === undefined);
    if (missing !== undefined)
      throw new Refusal([kind], `the ${kind} distribution lacks its ${missing}`, `Add ${missing}: … to it.`);
    return values;
  }

  private empirical(given: unknown): Shape {
    if (!Array.isArray(given) || given.length === 0)
      throw new Refusal(
        ["empirical"],
        "an empirical distribution is a list of values with their weights",
        "Write it like [[64, 10], [65, 128, 2.5]]: value and weight, or from, to and weight.",
      );
    const bins = given.map((row: unknown, at): [number, number, number] => {
      const path = ["empirical", at];
      if (!Array.isArray(row) || (row.length !== 2 && row.length !== 3))
        throw new Refusal(
          path,
          `${say(row)} is no row of an empirical distribution`,
          "Write [value, weight] or [from, to, weight].",
        );
      const from = this.whole(row[0], [...path, 0]);
      const to = row.length === 3 ? this.whole(row[1], [...path, 1]) : from;
      if (from > to)
        throw new Refusal(path, `the row begins (${from}) above its end (${to})`, "Swap the two.");
      return [from, to, this.number(row.at(-1), [...path, row.length - 1], 0, 1e15)];
    });
    if (!bins.some(([, , weight]) => weight > 0))
      throw new Refusal(["empirical"], "no value has a weight above 0", "Give at least one value a weight.");
    return { kind: "empirical", bins };
  }

  private amount(value: unknown, path: (string | number)[]): number {
    const amount = parseQuantity(value, this.quantity);
    if (amount !== undefined && amount > 0) return amount;
    throw new Refusal(
      path,
      `${say(value)} is not a ${this.quantity} above 0`,
      `Write it like ${EXAMPLES[this.quantity]}.`,
    );
  }

  private whole(value: unknown, path: (string | number)[]): number {
    const number = parseQuantity(value, this.quantity);
    if (number !== undefined && Number.isInteger(number)) return number;
    throw new Refusal(
      path,
      `${say(value)} is not a ${this.quantity}`,
      `Write it like ${EXAMPLES[this.quantity]}.`,
    );
  }

  private number(value: unknown, path: (string | number)[], least: number, most: number): number {
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw new Refusal(
      path,
      `${say(value)} is not a number from ${least} to ${most}`,
      "Write a plain number.",
    );
  }
}

/** A distribution over sizes, counts or times: a value by itself is a constant. */
export function distribution(quantity: Quantity) {
  const reader = new Reader(quantity);
  const schema = z.unknown().transform((value, context): DistributionSpec => {
    try {
      return reader.read(value);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.addIssue({ code: "custom", message: error.message, path: [...error.path] });
      return z.NEVER;
    }
  });
  return schema.meta({ $ref: definition(`${quantity}-distribution`) });
}

/** What `distribution` takes, for editors. */
export function distributionSchema(quantity: Quantity): JsonSchema {
  const value = { $ref: definition(quantity) };
  const only = (properties: Record<string, unknown>, required: readonly string[]): JsonSchema => ({
    type: "object",
    properties,
    required,
    additionalProperties: false,
  });
  const parameters = (kind: Exclude<Named, "empirical">, without?: string): JsonSchema => {
    const names = PARAMETERS[kind].filter((name) => name !== without);
    return only(Object.fromEntries(names.map((name) => [name, PLAIN[name] ?? value])), [
      ...NEEDED[kind],
      ...(kind === "lognormal" ? [without === "mean" ? "median" : "mean"] : []),
    ]);
  };
  const forms = (kind: Named): readonly JsonSchema[] => {
    switch (kind) {
      case "empirical":
        return [
          {
            type: "array",
            minItems: 1,
            description: "Rows of [value, weight] or [from, to, weight].",
            items: { type: "array", minItems: 2, maxItems: 3 },
          },
        ];
      case "lognormal":
        return [parameters(kind, "mean"), parameters(kind, "median")];
      case "uniform":
      case "loguniform":
        return [{ type: "array", items: value, minItems: 2, maxItems: 2 }, parameters(kind)];
      default:
        return [parameters(kind)];
    }
  };
  return {
    anyOf: [value, ...KINDS.map((kind) => only({ [kind]: { anyOf: forms(kind) }, step: value }, [kind]))],
  };
}
