import { renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../errors.js";

function notWritten(path: string, cause: unknown): UserError {
  return new UserError("not-written", `${path} could not be written: ${(cause as Error).message}`, { cause });
}

/** Writes what an option asked for; nothing where it did not. Throws UserError `not-written`. */
export function exportTo(path: string | undefined, text: () => string): void {
  if (path === undefined) return;
  const content = text();
  try {
    writeFileSync(path, content);
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/** Puts a whole file in the place of the old one, for whoever reads it at any moment. Throws UserError `not-written`. */
export function replaceFile(path: string, content: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw notWritten(path, cause);
  }
}
