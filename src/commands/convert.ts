import { Chalk } from "chalk";
import { Command, Option } from "commander";
import { namedTrace } from "../engine/named-trace.js";
import { UsageError } from "../errors.js";
import type { PipelineFilters } from "../native.js";
import { conversionReport } from "../report/conversion.js";
import type { Conversion } from "../trace/event.js";
import { kindsOfTrace, withUnmatched } from "../trace/kinds-of-trace.js";
import { OUTPUT_FORMATS, type OutputFormat, outputFormatOf, TraceOutput } from "../trace/output.js";
import { pathOf, type RunOptions, runTrace, type TraceSource } from "../trace/source.js";
import { findTransactions } from "../trace/transactions.js";
import { parseBytes, parseDuration } from "../units.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

interface Range {
  readonly from?: number;
  readonly to?: number;
}

interface ConvertFlags extends TraceFlags {
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

function filtersOf(flags: ConvertFlags): PipelineFilters {
  const { head, threads, size, time } = flags;
  return {
    ...(head !== undefined && { head }),
    ...(threads !== undefined && { threads }),
    ...(size?.from !== undefined && { minBytes: size.from }),
    ...(size?.to !== undefined && { maxBytes: size.to }),
    ...(time?.from !== undefined && { fromNs: time.from }),
    ...(time?.to !== undefined && { toNs: time.to }),
    ...(flags.anonymise && { anonymise: true }),
    ...(!flags.times && { noTimes: true }),
    ...(!flags.transactions && { unmarked: true }),
  };
}

/** Where the transactions are that are to be marked. Throws UsageError where none was found. */
async function boundariesOf(
  source: TraceSource,
  flags: ConvertFlags,
  context: CommandContext,
): Promise<Uint8Array> {
  const from = pathOf(source);
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `searching ${from}`);
  try {
    const { search } = await findTransactions(source, {
      strict: flags.strict === true,
      skipDamaged: flags.skipDamaged === true,
      signal: context.signal,
      ...(flags.format && { format: flags.format }),
      ...(progress && { onProgress: progress.show }),
    });
    if (search.found.phases > 0) return search.boundaries;
  } finally {
    progress?.close();
  }
  throw new UsageError("no-transactions", `nothing in ${from} looks like transactions`, {
    remedy: "inspect --find-transactions shows what was looked at.",
  });
}

/** What to write, and whether that may go to standard output. */
function chooseOutput(to: string, flags: ConvertFlags, stdout: NodeJS.WriteStream): OutputFormat {
  const format = flags.to ?? (to === "-" ? "rmt" : outputFormatOf(to));
  if (to !== "-") return format;
  if (flags.json) throw new UsageError("usage", "standard output can't take both the trace and --json");
  if (stdout.isTTY && format !== "csv") {
    throw new UsageError("usage", "standard output is a terminal, and a trace is not text", {
      remedy: "Add --to csv, or pipe it on.",
    });
  }
  return format;
}

async function convert(
  from: string,
  to: string,
  flags: ConvertFlags,
  context: CommandContext,
): Promise<void> {
  const format = chooseOutput(to, flags, context.stdout);
  if (flags.markTransactions && !flags.transactions) {
    throw new UsageError("usage", "--mark-transactions and --no-transactions exclude each other");
  }
  const source = await namedTrace(from, flags.format !== undefined);
  const boundaries = flags.markTransactions ? await boundariesOf(source, flags, context) : undefined;
  const kind = format.startsWith("csv") ? "csv" : "rmt";
  const output = await TraceOutput.open(to === "-" ? context.stdout : to, {
    format,
    force: flags.force === true,
  });
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `converting ${from}`);
  let conversion: Conversion;
  try {
    const reading: RunOptions = {
      strict: flags.strict === true,
      skipDamaged: flags.skipDamaged === true,
      signal: context.signal,
      ...(flags.format && { format: flags.format }),
      ...(progress && { onProgress: progress.show }),
    };
    const kinds = flags.kinds === undefined ? undefined : await kindsOfTrace(source, flags.kinds, reading);
    const run = await runTrace(
      source,
      { kind },
      {
        ...reading,
        filters: {
          ...filtersOf(flags),
          ...(boundaries && { boundaries }),
          ...(kinds && { siteKinds: kinds.filter }),
        },
        onOutput: (bytes) => output.write(bytes),
      },
    );
    await output.commit();
    const { file, sourceEvents, resultEvents, report } = run;
    conversion = {
      from: file,
      to: { path: to, format: kind, bytes: output.writtenBytes },
      sourceEvents,
      resultEvents,
      report: kinds === undefined ? report : withUnmatched(report, kinds.unmatched),
    };
  } finally {
    progress?.close();
    await output.discard();
  }
  say(conversion, flags, to === "-" ? context.stderr : context.stdout);
}

function say(conversion: Conversion, flags: ConvertFlags, stream: NodeJS.WriteStream): void {
  if (flags.json) {
    stream.write(`${JSON.stringify({ schemaVersion: 1, ...conversion }, null, 2)}\n`);
    return;
  }
  const width = Math.max(60, Math.min(140, stream.columns ?? 110));
  stream.write(conversionReport(conversion, { chalk: new Chalk(), width }));
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
    .action((from: string, to: string, flags: ConvertFlags) => convert(from, to, flags, context));
}
