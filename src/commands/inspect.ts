import { Chalk } from "chalk";
import { Command } from "commander";
import { namedTrace } from "../engine/named-trace.js";
import { UsageError } from "../errors.js";
import { callSitesReport } from "../report/call-sites.js";
import { inspectionReport } from "../report/inspection.js";
import { rankCallSites } from "../trace/call-sites.js";
import type { InspectedSearch, Inspection } from "../trace/event.js";
import { kindsOfTrace, withUnmatched } from "../trace/kinds-of-trace.js";
import { type RunOptions, runTrace } from "../trace/source.js";
import { type FoundTransactions, findTransactions, refusePipe } from "../trace/transactions.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

interface InspectFlags extends TraceFlags {
  readonly json?: boolean;
  readonly findTransactions?: boolean;
  /** How many of each order; true: the usual number. */
  readonly callSites?: number | true;
  readonly kinds?: string;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem inspect trace.rmt.gz
  $ rustydb-mem inspect oltp-tpcc
  $ rustydb-mem inspect trace.zip --json | jq .analysis.sizes
  $ rustydb-mem inspect trace.rmt.gz --find-transactions
  $ rustydb-mem inspect trace.rmt.gz --call-sites=20 --kinds map.yaml
  $ xzcat trace.txt.xz | rustydb-mem inspect -`;

/** The levels that the first pass saw and the phases of the second; not the boundaries, which are no one's reading. */
function inspected({ levels, search }: FoundTransactions): InspectedSearch {
  const { boundaries, ...all } = search;
  return { ...all, threads: levels.threads };
}

const CALL_SITES_SHOWN = 10;

function callSiteCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError("bad-number", `"${text}" is no number of call sites`, {
    remedy: "Write --call-sites=20, or put --call-sites behind the trace.",
  });
}

async function inspect(path: string, flags: InspectFlags, context: CommandContext): Promise<void> {
  const source = await namedTrace(path, flags.format !== undefined);
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `reading ${path}`);
  let inspection: Inspection;
  try {
    if (flags.findTransactions) refusePipe(source);
    const reading: RunOptions = {
      strict: flags.strict === true,
      skipDamaged: flags.skipDamaged === true,
      signal: context.signal,
      ...(flags.format && { format: flags.format }),
      ...(progress && { onProgress: progress.show }),
    };
    const kinds = flags.kinds === undefined ? undefined : await kindsOfTrace(source, flags.kinds, reading);
    const { file, header, report, analysis, callSites, callTable } = await runTrace(
      source,
      { kind: "inspect", callSites: flags.callSites !== undefined },
      { ...reading, ...(kinds && { filters: { siteKinds: kinds.filter } }) },
    );
    if (analysis === null) throw new Error("the pipeline ended without an analysis");
    const shown = flags.callSites === true ? CALL_SITES_SHOWN : (flags.callSites ?? 0);
    const found = flags.findTransactions ? await findTransactions(source, reading) : undefined;
    inspection = {
      file,
      header,
      report: kinds === undefined ? report : withUnmatched(report, kinds.unmatched),
      analysis,
      ...(found && { search: inspected(found) }),
      ...(callSites && { callSites: rankCallSites(callSites, callTable, header.stackBytes, shown) }),
    };
  } finally {
    progress?.close();
  }
  const { stdout } = context;
  const width = Math.max(60, Math.min(140, stdout.columns ?? 110));
  if (flags.json) {
    stdout.write(`${JSON.stringify({ schemaVersion: 1, ...inspection }, null, 2)}\n`);
    return;
  }
  const style = { chalk: new Chalk(), width };
  stdout.write(inspectionReport(inspection, style));
  if (inspection.callSites) stdout.write(`\n${callSitesReport(inspection.callSites, style)}`);
}

export function command(context: CommandContext): Command {
  const bare = new Command("inspect")
    .usage("[options] <trace>")
    .summary("what is in a trace: sizes, lifetimes, threads, transactions")
    .description(
      "Show what is in a trace: events, sizes, lifetimes, kinds, threads, transactions, live bytes over time.",
    )
    .argument("<trace>", `${TRACE_ARGUMENT}; - is standard input`)
    .option(
      "--find-transactions",
      "look for phases that live and die like transactions, and say what an arena could hold (reads the trace three times)",
    )
    .option(
      "--call-sites [n]",
      `who allocates: the first n call stacks by bytes, by live bytes at the peak, by allocations (default: ${CALL_SITES_SHOWN})`,
      parsedBy(callSiteCount),
    )
    .option("--kinds <map.yaml>", "rules that turn the functions of call stacks into kinds")
    .option("--json", "the result on standard output as JSON, nothing else");
  return addTraceOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action((path: string, flags: InspectFlags) => inspect(path, flags, context));
}
