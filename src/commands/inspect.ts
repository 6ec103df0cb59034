import { Command } from "commander";
import { UsageError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

export interface InspectFlags extends TraceFlags {
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

export const CALL_SITES_SHOWN = 10;

function callSiteCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError("bad-number", `"${text}" is no number of call sites`, {
    remedy: "Write --call-sites=20, or put --call-sites behind the trace.",
  });
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
    .action(async (path: string, flags: InspectFlags) =>
      (await import("./inspect-action.js")).inspect(path, flags, context),
    );
}
