import { Chalk } from "chalk";
import { namedTrace } from "../engine/named-trace.js";
import { UsageError } from "../errors.js";
import type { PipelineFilters } from "../native.js";
import { conversionReport } from "../report/conversion.js";
import type { Conversion } from "../trace/event.js";
import { kindsOfTrace, withUnmatched } from "../trace/kinds-of-trace.js";
import { type OutputFormat, outputFormatOf, TraceOutput } from "../trace/output.js";
import { pathOf, type RunOptions, runTrace, type TraceSource } from "../trace/source.js";
import { findTransactions } from "../trace/transactions.js";
import type { CommandContext } from "./context.js";
import type { ConvertFlags } from "./convert.js";
import { ReadingProgress } from "./reading-progress.js";

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

export async function convert(
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
