import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { ResultError, UserError } from "../errors.js";
import { jsonFault, jsonOffset, lineAndColumn } from "./json-places.js";
import { type ResultFile, resultFileSchema, SCHEMA_VERSION } from "./measurement.js";

/** `results[0].memory.peakBytes` */
function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`,
    )
    .join("");
}

const NOT_A_RESULT = "Give a file that --export-json of rustydb-mem replay wrote.";

function errorAt(
  code: string,
  message: string,
  at: { file: string; text: string; path: readonly PropertyKey[] },
  remedy: string,
): ResultError {
  const { file, text, path } = at;
  const place = lineAndColumn(text, jsonOffset(text, path));
  return new ResultError(code, message, { file, ...place, key: keyOf(path) }, { remedy });
}

function parse(text: string, file: string): unknown {
  if (text.trim() === "") {
    throw new ResultError(
      "bad-result",
      "it is empty",
      { file, line: 0, column: 0, key: "" },
      { remedy: NOT_A_RESULT },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const fault = jsonFault(text);
    if (fault === undefined) throw cause;
    const place = { file, ...lineAndColumn(text, fault.offset), key: "" };
    throw new ResultError("bad-json", `it is no JSON: ${fault.what}`, place, {
      cause,
      remedy: "It may have been cut off or edited: export it again.",
    });
  }
}

function checkVersion(document: unknown, text: string, file: string): void {
  const at = (path: string[]) => ({ file, text, path });
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw errorAt("bad-result", "it is JSON, but no result: a result is an object", at([]), NOT_A_RESULT);
  }
  const version: unknown = (document as { schemaVersion?: unknown }).schemaVersion;
  if (typeof version === "number" && Number.isInteger(version) && version > SCHEMA_VERSION) {
    throw errorAt(
      "newer-result",
      `its schema has version ${version}, and this rustydb-mem knows up to ${SCHEMA_VERSION}`,
      at(["schemaVersion"]),
      "Install the rustydb-mem that wrote it, or a newer one.",
    );
  }
  if (version === undefined) {
    throw errorAt("bad-result", "it has no schemaVersion, so it is no result", at([]), NOT_A_RESULT);
  }
}

/**
 * A result from its JSON. Keys that are not known stay in it. Throws ResultError: `bad-json`, `bad-result`,
 * `newer-result`, each with file, line and column.
 * @param file what errors call it
 */
export function parseSavedResult(text: string, file: string): ResultFile {
  const document = parse(text, file);
  checkVersion(document, text, file);
  const read = resultFileSchema.safeParse(document);
  if (read.success) {
    // What was read, not what zod made of it: that leaves out what it does not know. Nothing in the schema changes a value.
    return document as ResultFile;
  }
  const { path = [], message = "it does not fit the schema" } = read.error.issues[0] ?? {};
  const missing = /received undefined/.test(message);
  throw errorAt(
    "bad-result",
    missing ? "this key is missing" : message.replace(/^Invalid input: /, ""),
    { file, text, path },
    NOT_A_RESULT,
  );
}

async function textOf(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part as Buffer));
  return new TextDecoder().decode(Buffer.concat(parts)); // without a byte order mark
}

/**
 * A result from a file, or from standard input where the path is `-`. Throws UserError `file-not-found`, and what
 * parseSavedResult throws.
 */
export async function readSavedResult(path: string, stdin: Readable): Promise<ResultFile> {
  const file = path === "-" ? "standard input" : path;
  let text: string;
  try {
    text = await textOf(path === "-" ? stdin : createReadStream(path));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw new UserError("file-not-found", `${file} cannot be read: ${reason}`, {
      cause,
      remedy: NOT_A_RESULT,
    });
  }
  return parseSavedResult(text, file);
}
