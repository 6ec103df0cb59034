import { Interrupted, TraceError, type TracePlace, UserError } from "../errors.js";
import type { NativeFailure } from "../native.js";

/** What the user can do, by the code of a native TraceError. */
const REMEDIES: Readonly<Record<string, string>> = {
  "damaged-block": "--skip-damaged reads on behind it and counts what is lost.",
  truncated: "Without --strict a file that was cut off is read up to its last whole block.",
  "no-times": "Leave out --time: this trace has an order, but no times.",
  "disk-full": "Make room there, or set TMPDIR to a folder with more.",
};

// Failures of what is written, not of the trace: its place would mislead.
const WRITING = new Set(["disk-full", "io", "out-of-memory"]);

/**
 * What the pipeline threw, as an error for the user; anything else as it is.
 * @param file the name of the trace, for the place
 */
export function toUserError(error: unknown, file: string): unknown {
  if (error instanceof UserError || !isNativeFailure(error)) return error;
  const remedy = REMEDIES[error.code];
  const options = { cause: error, ...(remedy === undefined ? {} : { remedy }) };
  if (error.code === "stopped") return new Interrupted();
  if (WRITING.has(error.code)) return new UserError(error.code, error.message, options);
  if (error.code === "bad-option") return new UserError(error.code, error.message, options);
  return new TraceError(error.code, error.message, placeOf(error, file), options);
}

function placeOf(failure: NativeFailure, file: string): TracePlace {
  return {
    file,
    ...(failure.byteOffset === undefined ? {} : { byteOffset: failure.byteOffset }),
    ...(failure.line === undefined ? {} : { line: failure.line }),
    ...(failure.event === undefined ? {} : { event: failure.event }),
  };
}

function isNativeFailure(error: unknown): error is NativeFailure {
  if (!(error instanceof Error)) return false;
  const code: unknown = (error as { code?: unknown }).code;
  // Errors of Node itself have codes too, in capitals; `internal`, `busy` and `over` are defects of ours.
  return typeof code === "string" && /^[a-z-]+$/.test(code) && !["internal", "busy", "over"].includes(code);
}
