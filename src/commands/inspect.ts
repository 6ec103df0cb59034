import { Chalk } from "chalk";
import { Command } from "commander";
import { inspectionReport } from "../report/inspection.js";
import type { InspectedSearch, Inspection } from "../trace/event.js";
import { runTrace } from "../trace/source.js";
import { type FoundTransactions, findTransactions, refusePipe } from "../trace/transactions.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { addTraceOptions, type TraceFlags } from "./trace-options.js";

interface InspectFlags extends TraceFlags {
  readonly json?: boolean;
  readonly findTransactions?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem inspect trace.rmt.gz
  $ rustydb-mem inspect trace.zip --json | jq .analysis.sizes
  $ rustydb-mem inspect trace.rmt.gz --find-transactions
  $ xzcat trace.txt.xz | rustydb-mem inspect -`;

/** The levels that the first pass saw and the phases of the second; not the boundaries, which are no one's reading. */
function inspected({ levels, search }: FoundTransactions): InspectedSearch {
  const { boundaries, ...all } = search;
  return { ...all, threads: levels.threads };
}

async function inspect(path: string, flags: InspectFlags, context: CommandContext): Promise<void> {
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `reading ${path}`);
  const reading = {
    strict: flags.strict === true,
    skipDamaged: flags.skipDamaged === true,
    signal: context.signal,
    ...(flags.format && { format: flags.format }),
    ...(progress && { onProgress: progress.show }),
  };
  let inspection: Inspection;
  try {
    if (flags.findTransactions) refusePipe(path);
    const { file, header, report, analysis } = await runTrace(path, { kind: "inspect" }, reading);
    if (analysis === null) throw new Error("the pipeline ended without an analysis");
    const found = flags.findTransactions ? await findTransactions(path, reading) : undefined;
    inspection = { file, header, report, analysis, ...(found && { search: inspected(found) }) };
  } finally {
    progress?.close();
  }
  const { stdout } = context;
  const width = Math.max(60, Math.min(140, stdout.columns ?? 110));
  stdout.write(
    flags.json
      ? `${JSON.stringify({ schemaVersion: 1, ...inspection }, null, 2)}\n`
      : inspectionReport(inspection, { chalk: new Chalk(), width }),
  );
}

export function command(context: CommandContext): Command {
  const bare = new Command("inspect")
    .usage("[options] <trace>")
    .summary("what is in a trace: sizes, lifetimes, threads, transactions")
    .description(
      "Show what is in a trace: events, sizes, lifetimes, kinds, threads, transactions, live bytes over time.",
    )
    .argument("<trace>", "a trace in any known format, packed or not; - is standard input")
    .option(
      "--find-transactions",
      "look for phases that live and die like transactions, and say what an arena could hold (reads the trace three times)",
    )
    .option("--json", "the result on standard output as JSON, nothing else");
  return addTraceOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action((path: string, flags: InspectFlags) => inspect(path, flags, context));
}
