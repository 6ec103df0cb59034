import { Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { parseBytes, parseDuration } from "../units.js";
import type { CommandContext } from "./context.js";
import { parsedBy } from "./trace-options.js";

export interface RecordFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly onFull: "wait" | "drop";
  readonly after?: number;
  readonly for?: number;
  readonly maxEvents?: number;
  readonly maxSize?: number;
  readonly sampleMemory?: number | true;
  readonly symbols?: string;
  readonly stacks?: number | true;
  readonly markers?: "sqlite";
  readonly kinds?: string;
  readonly exportJson?: string;
  readonly quiet?: boolean;
  readonly programOutput?: string;
  readonly tui: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem record -o sqlite.rmt.gz -- sqlite3 test.db < run.sql
  $ rustydb-mem record -o redis.rmt.gz --after 5s --for 30s -- redis-server --save ""
  $ rustydb-mem record -o server.rmt.gz --max-size 2GiB --sample-memory 100ms -- ./server
  $ rustydb-mem record -o sqlite.rmt.gz --markers sqlite -- sqlite3 test.db < run.sql
  $ rustydb-mem record -o app.rmt.gz --stacks --kinds map.yaml -- ./app
  $ rustydb-mem record -o app.rmt.gz --program-output app.log -- ./app
  $ rustydb-mem replay sqlite.rmt.gz

Children of the program are recorded too, a file each: out.rmt.gz, out.PID.rmt.gz, … What is left of the program's own
standard streams and its exit code is untouched. On a server without Node the library works alone:
  $ RUSTYDB_MEM_RECORD=raw.rmt LD_PRELOAD=librustydb_mem_record.so ./server`;

function positiveCount(text: string): number {
  const value = Number(text.replaceAll("_", "").replaceAll(",", ""));
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError("bad-number", `"${text}" is not a number of events`);
  }
  return value;
}

function stackDistance(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 1) return bytes;
  throw new UsageError("bad-number", "call stacks can't be 0 bytes apart", {
    remedy: "1 takes one at every allocation.",
  });
}

function prefix(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(text)) return text;
  throw new UsageError("bad-prefix", `"${text}" is not the beginning of a symbol`, {
    remedy: "Write it like je_ or mi_.",
  });
}

const duration = parsedBy((text) => Math.round(parseDuration(text)));

export function command(context: CommandContext): Command {
  return new Command("record")
    .usage("[options] -- <program> [args...]")
    .summary("take a trace of a real program")
    .description(
      "Run a program and record its calls of the malloc family, on all threads and in all its children.",
    )
    .argument("<program...>", "the program and its arguments, behind --")
    .option("-o, --output <file>", "the trace, .rmt or .rmt.gz (default: the program's name, .rmt.gz)")
    .option("-f, --force", "replace a file that is there")
    .addOption(
      new Option(
        "--on-full <what>",
        "where a thread is faster than the collector: let it wait, or drop and count",
      )
        .choices(["wait", "drop"])
        .default("wait"),
    )
    .option("--after <time>", "begin so long after the program did, e.g. 5s", duration)
    .option("--for <time>", "stop recording after so long, e.g. 30s; the program goes on", duration)
    .option(
      "--max-events <n>",
      "stop recording after so many events of all processes; a trace is cut at its n-th, exactly",
      parsedBy(positiveCount),
    )
    .option(
      "--max-size <bytes>",
      "stop recording soon after the raw files have so many bytes (what waits in memory still comes), e.g. 2GiB",
      parsedBy(parseBytes),
    )
    .option(
      "--sample-memory [time]",
      "record the memory of the process too, so often (100ms where not told)",
      duration,
    )
    .option(
      "--symbols <prefix>",
      "record PREFIXmalloc, PREFIXfree, … of a shared library too, e.g. je_; calls from libraries opened later are not seen",
      parsedBy(prefix),
    )
    .option(
      "--stacks [bytes]",
      "take a call stack every so many bytes that a thread allocates, on average (64KiB where not told; 1: always)",
      parsedBy(stackDistance),
    )
    .addOption(
      new Option("--markers <what>", "mark the transactions of a library that the program uses").choices([
        "sqlite",
      ]),
    )
    .option("--kinds <map.yaml>", "rules that turn the functions of call stacks into kinds")
    .option("--export-json <file>", "the summary as JSON")
    .option(
      "--program-output <file>",
      "what the program writes goes to the end of this file, also /dev/null; a terminal then has the live view, and the program reads nothing from it",
    )
    .option("--no-tui", "a progress line in place of the live view")
    .option("-q, --quiet", "no progress")
    .passThroughOptions()
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: RecordFlags) =>
      (await import("./record-action.js")).record(words, flags, context),
    );
}
