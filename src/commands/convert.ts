import { Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { OUTPUT_FORMATS, type OutputFormat } from "../trace/output.js";
import { parseBytes, parseDuration } from "../units.js";
import type { CommandContext } from "./context.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

interface Range {
  readonly from?: number;
  readonly to?: number;
}

export interface ConvertFlags extends TraceFlags {
  readonly to?: OutputFormat;
  readonly force?: boolean;
  readonly head?: number;
  readonly threads?: number[];
  readonly size?: Range;
  readonly time?: Range;
  readonly anonymise?: boolean;
  readonly kinds?: string;
  readonly times: boolean;
  readonly transactions: boolean;
  readonly markTransactions?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem convert trace.zip trace.rmt.gz
  $ rustydb-mem convert trace.rmt.gz part.csv --head 1000
  $ rustydb-mem convert oltp-tpcc start.csv --head 1000
  $ rustydb-mem convert trace.rmt.gz rows.rmt --size 64..4KiB --threads 1201,1202
  $ rustydb-mem convert trace.rmt.gz peak.rmt --time 10s..12.5s
  $ rustydb-mem convert trace.rmt.gz marked.rmt.gz --mark-transactions
  $ rustydb-mem convert trace.rmt.gz named.rmt.gz --kinds map.yaml
  $ rustydb-mem convert trace.rmt.gz - --to csv | head`;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new UsageError("bad-number", `"${text}" is not a whole number`);
  }
  return value;
}

/** `FROM..TO`, one of them may be left out; a single value is both. */
function range(text: string, parse: (text: string) => number): Range {
  const [from = "", to = from, ...more] = text.split("..");
  if (more.length > 0 || (from === "" && to === "")) {
    throw new UsageError("bad-range", `"${text}" is not a range`, {
      remedy: "Write it like FROM..TO, FROM.. or ..TO.",
    });
  }
  const bounds = { ...(from !== "" && { from: parse(from) }), ...(to !== "" && { to: parse(to) }) };
  if (bounds.from !== undefined && bounds.to !== undefined && bounds.from > bounds.to) {
    throw new UsageError("bad-range", `"${text}" ends before it begins`);
  }
  return bounds;
}

const sizeRange = (text: string): Range => range(text, parseBytes);

function timeRange(text: string): Range {
  if (!text.includes("..")) {
    throw new UsageError("bad-range", `"${text}" is not a range of times`, {
      remedy: "Write it like 10s..12.5s.",
    });
  }
  return range(text, (time) => Math.round(parseDuration(time)));
}

export function command(context: CommandContext): Command {
  const bare = new Command("convert")
    .usage("[options] <in> <out>")
    .summary("any known format to .rmt or CSV; cut, filter, anonymise")
    .description("Convert a trace of any known format to .rmt or CSV, whole or a part of it.")
    .argument("<in>", `${TRACE_ARGUMENT}; - is standard input`)
    .argument(
      "<out>",
      `a file whose name ends in ${OUTPUT_FORMATS.map((each) => `.${each}`).join(", ")}; - is standard output`,
    )
    .addOption(
      new Option("--to <format>", "what to write, where the name does not say").choices(OUTPUT_FORMATS),
    )
    .option("-f, --force", "replace a file that is there")
    .option("--head <n>", "the first n events only", parsedBy(wholeNumber))
    .option(
      "--threads <list>",
      "only blocks born on these threads, by their numbers in the source, e.g. 1201,1202",
      parsedBy((text) => text.split(",").map(wholeNumber)),
    )
    .option("--size <range>", "only blocks of MIN..MAX bytes, e.g. 64..4KiB", parsedBy(sizeRange))
    .option(
      "--time <range>",
      "only FROM..TO since the first event, e.g. 10s..12.5s; what is alive before is kept",
      parsedBy(timeRange),
    )
    .option("--kinds <map.yaml>", "rules that turn the functions of call stacks into kinds")
    .option("--anonymise", "leave out names, thread numbers, dates and what tells the machine")
    .option("--no-times", "leave out the times")
    .option("--no-transactions", "leave out transactions; what dies with one is freed at its end")
    .option(
      "--mark-transactions",
      "mark what looks like transactions, in the place of those the trace has; see inspect --find-transactions",
    )
    .option("--json", "what was done on standard output as JSON, nothing else");
  return addTraceOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action(async (from: string, to: string, flags: ConvertFlags) =>
      (await import("./convert-action.js")).convert(from, to, flags, context),
    );
}
