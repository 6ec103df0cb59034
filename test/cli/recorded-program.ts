import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { built, type Outcome, root, runTool, type Scratch, type StartOptions } from "./tool.js";

/** Programs that tests compile and run under the recorder, and what their recordings say of transactions. */

const fixture = (name: string): string => join(root, "test", "fixtures", name);

/** Compiles test/fixtures/`source` with these arguments behind it; the path of what was made. */
export function compile(folder: string, source: string, to: string, args: readonly string[] = []): string {
  const path = join(folder, to);
  const include = join(root, "native");
  // Libraries have to stand behind the source, languages in front of it.
  const libraries = args.filter((arg) => /^-(l|Wl)/.test(arg));
  const others = args.filter((arg) => !libraries.includes(arg));
  execFileSync("cc", [
    "-O1",
    "-I",
    include,
    ...others,
    fixture(source),
    "-x",
    "none",
    "-o",
    path,
    ...libraries,
    "-pthread",
  ]);
  return path;
}

/** A program of the test's own, in C or C++; the arguments stand behind the source. */
export function compileText(
  scratch: Scratch,
  name: string,
  text: string,
  words: readonly string[] = [],
  language: "c" | "c++" = "c",
): string {
  const [compiler, suffix, standard] =
    language === "c" ? (["cc", "c", []] as const) : (["c++", "cc", ["-std=c++20"]] as const);
  const source = scratch.file(`${name}.${suffix}`);
  writeFileSync(source, text);
  const args = [...standard, "-O0", "-pthread", source, ...words, "-o", scratch.file(name)];
  execFileSync(compiler, args, { stdio: "pipe" });
  return scratch.file(name);
}

/** Runs `rustydb-mem record` into out.rmt. */
export const record = (
  scratch: Scratch,
  words: readonly string[],
  options: StartOptions = {},
): Promise<Outcome> =>
  runTool(["record", "-q", "-o", scratch.file("out.rmt"), ...words], { scratch, ...options });

/** The traces that a recording left, by name. */
export const traces = (scratch: Scratch): string[] =>
  readdirSync(scratch.path)
    .filter((name) => name.endsWith(".rmt"))
    .sort();

export interface Inspected {
  readonly header: Readonly<Record<string, string>>;
  readonly analysis: {
    readonly events: number;
    readonly eventsByType: Readonly<Record<string, number>>;
    readonly requestedBytes: number;
    readonly end: { readonly liveBytes: number; readonly liveBlocks: number };
    readonly samples: number;
    readonly largestSampleUsedBytes: number;
    readonly marks: readonly { readonly event: number; readonly text: string }[];
    readonly threads: readonly unknown[];
  };
  readonly report: { readonly dropped: number; readonly repaired: number };
}

/** What `rustydb-mem inspect` says of a trace. */
export async function inspectTrace(path: string): Promise<Inspected> {
  const { code, stdout, stderr } = await runTool(["inspect", path, "--json", "-q"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly raw: string;
}

export function runRecorded(
  scratch: Scratch,
  command: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = {},
): Run {
  const raw = scratch.file("raw.rmt");
  const [program = "", ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: {
      ...process.env,
      LD_PRELOAD: built("librustydb_mem_record.so"),
      RUSTYDB_MEM_RECORD: raw,
      ...env,
    },
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr, raw };
}

export async function inspect(raw: string) {
  const { code, stdout } = await runTool(["inspect", raw, "--json"]);
  expect(code).toBe(0);
  const { report, analysis } = JSON.parse(stdout);
  expect(report).toMatchObject({ dropped: 0, repaired: 0 });
  return analysis;
}

/** A line an event of a transaction, with the transactions numbered in order: `begin 2 in 1: SAVEPOINT s`,
 * `release 2`, `commit 1`, `abort 1`; and one for each block of one of the sizes `grabs`: `grab 1` or `grab -`. */
export async function transactionEvents(
  scratch: Scratch,
  raw: string,
  grabs: readonly number[] = [],
): Promise<string[]> {
  const csv = scratch.file("resolved.csv");
  const { code } = await runTool(["convert", raw, csv, "--force"]);
  expect(code).toBe(0);
  const [header = "", ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
  const columns = header.split(",");
  const said: string[] = [];
  for (const line of lines) {
    const fields = line.split(",");
    const of = (column: string): string => fields[columns.indexOf(column)] ?? "";
    const event = of("event");
    if (event === "begin")
      said.push(`begin ${of("id")}${of("parent") ? ` in ${of("parent")}` : ""}: ${of("kind")}`);
    else if (event === "commit") said.push(`${of("inherit") === "1" ? "release" : "commit"} ${of("id")}`);
    else if (event === "abort") said.push(`abort ${of("id")}`);
    else if (event === "alloc" && grabs.includes(Number(of("size")))) said.push(`grab ${of("scope") || "-"}`);
  }
  return said;
}
