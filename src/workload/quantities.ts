/** Values of a workload file as people write them: sizes, times, counts, shares. Parsed to bytes, ns, numbers. */
import { z } from "zod";
import { UserError } from "../errors.js";
import { DURATION_UNITS, parseBytes, parseDuration, SIZE_UNITS } from "../units.js";

/** What a distribution is over. */
export type Quantity = "size" | "count" | "time";

/** The largest value that a distribution may have: the largest block of a trace (native/trace/event.h). */
export const LARGEST_VALUE = 2 ** 47;

export const EXAMPLES: Readonly<Record<Quantity, string>> = {
  size: "64, 4KiB or 1.5MiB",
  count: "3",
  time: "250us, 10ms or 2h",
};

/** How a JSON schema refers to what stands among its definitions (json-schema.ts). */
export const definition = (name: string): string => `#/definitions/${name}`;

/** A part of a JSON schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON schemas know no flag for capitals. */
const pattern = (units: readonly string[]): string => {
  const caseless = (unit: string): string =>
    unit.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
  return `^\\s*\\d+(\\.\\d+)?\\s*(${units.map(caseless).join("|")})\\s*$`;
};

/** What parseQuantity takes, for editors. */
export const QUANTITY_SCHEMAS: Readonly<Record<Quantity, JsonSchema>> = {
  size: {
    anyOf: [
      { type: "number", minimum: 0, maximum: LARGEST_VALUE },
      { type: "string", pattern: pattern(SIZE_UNITS) },
    ],
    description: `A size, such as ${EXAMPLES.size}.`,
  },
  count: { type: "number", minimum: 0, maximum: LARGEST_VALUE },
  time: {
    anyOf: [{ const: 0 }, { type: "string", pattern: pattern(DURATION_UNITS) }],
    description: `A time with its unit, such as ${EXAMPLES.time}.`,
  },
};

/** The number behind `64KiB`, `10ms` or `3`; undefined where it is none of its kind, or out of range. */
export function parseQuantity(value: unknown, quantity: Quantity): number | undefined {
  let number: number;
  if (typeof value === "number") {
    // A bare number of a time would leave the reader to guess its unit.
    if (quantity === "time" && value !== 0) return undefined;
    number = value;
  } else if (typeof value === "string" && quantity !== "count") {
    try {
      number = quantity === "size" ? parseBytes(value) : Math.round(parseDuration(value, "ns"));
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
    if (quantity === "time" && !/[a-zµμ]\s*$/i.test(value)) return undefined;
  } else {
    return undefined;
  }
  return number >= 0 && number <= LARGEST_VALUE ? number : undefined;
}

function quantitySchema(quantity: Quantity, name: string) {
  const schema = z.unknown().transform((value, context) => {
    const number = parseQuantity(value, quantity);
    if (number !== undefined && Number.isInteger(number)) return number;
    context.addIssue({
      code: "custom",
      message: `${JSON.stringify(value) ?? "nothing"} is not a ${name}\nWrite it like ${EXAMPLES[quantity]}.`,
    });
    return z.NEVER;
  });
  return schema.meta(
    quantity === "count" ? { ...QUANTITY_SCHEMAS.count, type: "integer" } : { $ref: definition(quantity) },
  );
}

export const bytes = quantitySchema("size", "size");
export const duration = quantitySchema("time", "time");
export const wholeNumber = quantitySchema("count", "whole number");

function shareSchema(most: number) {
  const schema = z.unknown().transform((value, context) => {
    const match = typeof value === "string" ? /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(value) : null;
    const share = match === null ? value : Number(match[1]) / 100;
    if (typeof share === "number" && share >= 0 && share <= most) return share;
    context.addIssue({
      code: "custom",
      message: `${JSON.stringify(value) ?? "nothing"} is not a share${most === 1 ? " of 0 to 100 %" : ""}\nWrite it like 8% or 0.08.`,
    });
    return z.NEVER;
  });
  return schema.meta({
    anyOf: [
      { type: "number", minimum: 0, maximum: most },
      { type: "string", pattern: "^\\s*\\d+(\\.\\d+)?\\s*%\\s*$" },
    ],
  });
}

/** 0…1 */
export const share = shareSchema(1);
/** A factor, such as 150%. */
export const factor = shareSchema(1e6);
