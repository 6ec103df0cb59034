import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.js";
import { native } from "../native.js";

/** A configuration file of the heap that was found right. */
export interface HeapConfigFile {
  readonly path: string;
  readonly sha256: string;
  /** As it stands in the file. */
  readonly text: string;
}

/** Throws ConfigError `bad-config`. Gives the effective configuration, as a file that says every key. */
function check(path: string, bytes: Uint8Array): string {
  const reading = native().heapConfig(bytes);
  if (reading.mistake === undefined) return reading.shown;
  const { message, remedy, ...at } = reading.mistake;
  throw new ConfigError("bad-config", message, { file: path, ...at }, remedy === "" ? {} : { remedy });
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EISDIR"
          ? "this is a folder, not a configuration file"
          : message;
    throw new ConfigError(
      "no-config",
      reason,
      { file: path, line: 0, column: 0, key: "" },
      { cause, remedy: "`rustydb-mem config show > my.toml` makes one to start from." },
    );
  }
}

/** Reads and checks a configuration file. Throws ConfigError. */
export function readHeapConfig(path: string): HeapConfigFile {
  const bytes = read(path);
  check(path, bytes);
  return { path, sha256: createHash("sha256").update(bytes).digest("hex"), text: bytes.toString("utf8") };
}

/** The effective configuration of a file, or the defaults, as a file that says every key. Throws ConfigError. */
export function showHeapConfig(path?: string): string {
  if (path !== undefined) return check(path, read(path));
  const { shown } = native().heapConfig(null) as { readonly shown: string };
  return shown;
}
