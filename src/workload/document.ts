/** A workload file: its text, read and checked; complaints name the line and the column. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { UserError, WorkloadError } from "../errors.js";
import { Mistake, pathText, type SpecPath } from "./mistake.js";
import { checkSpec, type WorkloadSpec } from "./spec.js";

export interface Workload {
  readonly file: string;
  readonly spec: WorkloadSpec;
  /** SHA-256 of the spec in a canonical form: comments, order of names and spelling of numbers don't count. */
  readonly hash: string;
  /** Turns a Mistake into an error with the place in the text; anything else stays what it is. */
  readonly locate: (error: unknown) => unknown;
}

const MOST_BYTES = 4 * 1024 * 1024;

/** Names in alphabetical order, so that equal specs have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, node: unknown) =>
    typeof node === "object" && node !== null && !Array.isArray(node)
      ? Object.fromEntries(Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1)))
      : node,
  );
}

/** Reads the text of a workload file. Throws WorkloadError with the first thing that is wrong. */
export function readWorkload(text: string, file: string): Workload {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const what = syntax.message.replace(/\s+/g, " ").replace(/\.$/, "");
    throw new WorkloadError(
      "bad-yaml",
      `this is not YAML: ${what}`,
      { file, path: "", ...at(syntax.pos[0]) },
      {
        remedy:
          "Mend the text there: names and values are apart by a colon and a space, and lines of one list begin below each other.",
      },
    );
  }
  /** Of the node at the path; where it leads to nothing, of the last node on the way. */
  const offsetOf = (path: SpecPath): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const parent: unknown = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
      const key = path[length - 1];
      const items = (parent as { items?: readonly unknown[] } | null)?.items ?? [];
      const pair = items.find((item) => (item as { key?: { value?: unknown } }).key?.value === key) as
        | { key?: { range?: readonly number[] } }
        | undefined;
      const node = (pair?.key ?? (typeof key === "number" ? items[key] : undefined)) as
        | { range?: readonly number[] }
        | undefined;
      if (node?.range?.[0] !== undefined) return node.range[0];
    }
    return document.contents?.range?.[0] ?? 0;
  };
  const locate = (error: unknown): unknown => {
    if (!(error instanceof Mistake)) return error;
    const place = { file, path: pathText(error.path), ...at(offsetOf(error.path)) };
    return new WorkloadError("bad-workload", error.what, place, { remedy: error.remedy, cause: error });
  };
  try {
    const spec = checkSpec(document.toJS({ maxAliasCount: 1000 }));
    const { description: _, ...rest } = spec;
    return { file, spec, locate, hash: createHash("sha256").update(canonicalJson(rest)).digest("hex") };
  } catch (error) {
    throw locate(error);
  }
}

export function readWorkloadFile(path: string): Workload {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what =
      code === "ENOENT" ? "there is no such workload file" : code === "EISDIR" ? "this is a folder" : message;
    throw new UserError("file-not-found", `${path}: ${what}`, {
      remedy: "rustydb-mem generate --list names the workloads that are shipped.",
      cause,
    });
  }
  if (text.length > MOST_BYTES) {
    throw new UserError("bad-workload", `${path} has ${text.length} bytes: this is no workload file`, {
      remedy: "A workload file is YAML of a few hundred lines.",
    });
  }
  return readWorkload(text, path);
}
