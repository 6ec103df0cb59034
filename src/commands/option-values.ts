import { InvalidArgumentError } from "commander";
import { UsageError } from "../errors.js";
import { parseBytes, parseDuration } from "../units.js";

/** What stands behind an option, read; commander names the option in front of what is thrown. */

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It takes a whole number from ${least}.`);
    }
    return value;
  };
}

/** `2%` or `0.02`. */
export function share(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const value = match ? Number(match[1]) / (match[2] === "%" ? 100 : 1) : Number.NaN;
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("It takes a share such as 2%.");
  return value;
}

export function milliseconds(text: string): number {
  try {
    return Math.round(parseDuration(text) / 1e6);
  } catch (error) {
    throw new InvalidArgumentError(
      error instanceof UsageError ? `${error.message}. ${error.remedy ?? ""}` : String(error),
    );
  }
}

export function byteLimit(text: string): number {
  try {
    const bytes = parseBytes(text);
    if (bytes > 0) return bytes;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError("It takes an amount of memory such as 8GiB.");
}

/** An option that may be repeated. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
