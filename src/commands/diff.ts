import { Command, Option } from "commander";
import { parsePercent } from "../units.js";
import type { CommandContext } from "./context.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

export interface DiffFlags extends TraceFlags {
  readonly threshold: number;
  readonly json?: boolean;
}

const EXAMPLES = `
A change counts when it is more than the threshold's share of all that the transaction type allocates in <a>: blocks
or bytes. Where both traces mark transactions everything is for each transaction, else for the whole trace; where they
have marks start and stop, what lies between is compared.

Examples:
  $ rustydb-mem diff before.rmt.gz after.rmt.gz
  $ rustydb-mem diff before.rmt.gz after.rmt.gz --threshold 2%
  $ rustydb-mem diff oltp-tpcc recorded.rmt.gz
  $ rustydb-mem diff a.rmt b.rmt --threshold 0% --json | jq '.types[] | {type, blocks, bytes}'`;

export function command(context: CommandContext): Command {
  const bare = new Command("diff")
    .usage("[options] <a> <b>")
    .summary("what the second trace allocates that the first did not")
    .description(
      "Compare two traces: what the program now allocates that it did not, for each transaction, by its type, by size, " +
        "by kind and, where both have call stacks, by call site.",
    )
    .argument("<a>", `the trace from before: ${TRACE_ARGUMENT}`)
    .argument("<b>", "the trace from after")
    .addOption(
      new Option("--threshold <percent>", "changes that are not above it are not shown")
        .argParser(parsedBy(parsePercent))
        .default(0.001, "0.1%"),
    )
    .option("--json", "the result on standard output as JSON, nothing else");
  return addTraceOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action(async (a: string, b: string, flags: DiffFlags) =>
      (await import("./diff-action.js")).diff(a, b, flags, context),
    );
}
