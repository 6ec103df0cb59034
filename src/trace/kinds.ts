import { readFile } from "node:fs/promises";
import { isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { UserError } from "../errors.js";
import type { CallTable, PipelineFilters } from "../native.js";
import { frameText } from "./call-sites.js";

const MAX_KINDS = 65_535;

const mapSchema = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        kind: z
          .string()
          .min(1)
          .max(200)
          .refine((kind) => kind !== "unknown", "unknown is the kind of what no rule matches"),
        frames: z
          .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
          .transform((frames) => (typeof frames === "string" ? [frames] : frames)),
      }),
    )
    .min(1)
    .max(MAX_KINDS),
});

/** Rules that turn call stacks into kinds: the first whose glob matches one of the frames wins. */
export interface KindMap {
  readonly rules: readonly { readonly kind: string; readonly globs: readonly RegExp[] }[];
}

/** `*` stands for any text, `?` for any one character; all else for itself. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "s");
}

const EXAMPLE = 'Write it like: rules: [{ kind: row, frames: "heap_form_tuple*" }].';

/** Reads a map of kinds. Throws UserError `bad-kinds` with file, line and what to do. */
export async function readKindMap(path: string): Promise<KindMap> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new UserError("bad-kinds", `the map of kinds can't be read: ${path} (${code})`, {
      remedy: "Give the path of a YAML file with rules.",
      cause,
    });
  }
  return parseKindMap(text, path);
}

export function parseKindMap(text: string, path: string): KindMap {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (offset: number | undefined, what: string): never => {
    const { line, col } = lines.linePos(offset ?? 0);
    throw new UserError("bad-kinds", `${path}:${line}:${col}: ${what}`, { remedy: EXAMPLE });
  };
  const broken = document.errors[0];
  if (broken !== undefined) return fail(broken.pos[0], `this is no YAML: ${broken.message.split("\n")[0]}`);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    return fail(0, cause instanceof Error ? cause.message : String(cause));
  }
  const parsed = mapSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const keys = [...(issue?.path ?? [])];
    const where = keys.length === 0 ? "the file" : keys.join(".");
    // What is missing has no place: then that of what it is missing from.
    let node: unknown = document.getIn(keys, true);
    while (!isNode(node) && keys.length > 0) {
      keys.pop();
      node = keys.length === 0 ? document.contents : document.getIn(keys, true);
    }
    return fail(
      isNode(node) ? node.range?.[0] : 0,
      `${where}: ${issue?.message ?? "is not as it should be"}`,
    );
  }
  return {
    rules: parsed.data.rules.map(({ kind, frames }) => ({ kind, globs: frames.map(globPattern) })),
  };
}

export interface SiteKinds {
  readonly filter: NonNullable<PipelineFilters["siteKinds"]>;
  /** Kinds of rules that matched no call site of this trace. */
  readonly unmatched: readonly string[];
}

/** What the rules say about each call site of a trace. */
export function siteKinds(map: KindMap, table: CallTable): SiteKinds {
  const kinds = ["", ...map.rules.map(({ kind }) => kind)];
  const ofSite = new Uint16Array(table.nodes.length / 2);
  const ruleOfFrame = table.frames.map((frame) => {
    const text = frameText(frame, table);
    const rule = map.rules.findIndex(({ globs }) => globs.some((glob) => glob.test(text)));
    return rule < 0 ? Number.POSITIVE_INFINITY : rule;
  });
  const seen = new Set<number>();
  // The first rule of a stack; its caller stands before it and knows that of all frames further out.
  const ruleOfStack = [Number.POSITIVE_INFINITY];
  for (let site = 1; site < ofSite.length; site += 1) {
    const ofCaller = ruleOfStack[table.nodes[2 * site] ?? 0] ?? Number.POSITIVE_INFINITY;
    const rule = Math.min(ofCaller, ruleOfFrame[table.nodes[2 * site + 1] ?? 0] ?? Number.POSITIVE_INFINITY);
    ruleOfStack.push(rule);
    if (!Number.isFinite(rule)) continue;
    ofSite[site] = rule + 1;
    seen.add(rule);
  }
  return {
    filter: { kinds, ofSite },
    unmatched: map.rules.filter((_, index) => !seen.has(index)).map(({ kind }) => kind),
  };
}
