import { writeFileSync } from "node:fs";
import { UserError } from "../errors.js";

/** Writes what an option asked for; nothing where it did not. Throws UserError `not-written`. */
export function exportTo(path: string | undefined, text: () => string): void {
  if (path === undefined) return;
  try {
    writeFileSync(path, text());
  } catch (cause) {
    throw new UserError("not-written", `${path} could not be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}
