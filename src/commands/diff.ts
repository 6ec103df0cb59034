import { Chalk } from "chalk";
import { Command, Option } from "commander";
import { namedTrace } from "../engine/named-trace.js";
import { differenceReport } from "../report/difference.js";
import { difference, type ProfiledTrace } from "../trace/difference.js";
import { pathOf, runTrace, type TraceSource } from "../trace/source.js";
import { parsePercent } from "../units.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { addTraceOptions, parsedBy, TRACE_ARGUMENT, type TraceFlags } from "./trace-options.js";

interface DiffFlags extends TraceFlags {
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

async function profiled(
  source: TraceSource,
  flags: DiffFlags,
  context: CommandContext,
): Promise<ProfiledTrace> {
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `reading ${pathOf(source)}`);
  try {
    const { file, header, report, analysis, profile, callTable } = await runTrace(
      source,
      { kind: "profile" },
      {
        strict: flags.strict === true,
        skipDamaged: flags.skipDamaged === true,
        signal: context.signal,
        ...(flags.format && { format: flags.format }),
        ...(progress && { onProgress: progress.show }),
      },
    );
    if (analysis === null || profile === null) throw new Error("the pipeline ended without a profile");
    return { file, header, report, analysis, profile, callTable };
  } finally {
    progress?.close();
  }
}

async function diff(a: string, b: string, flags: DiffFlags, context: CommandContext): Promise<void> {
  const isTrace = flags.format !== undefined;
  const sources = [await namedTrace(a, isTrace), await namedTrace(b, isTrace)] as const;
  const found = difference(
    await profiled(sources[0], flags, context),
    await profiled(sources[1], flags, context),
    flags.threshold,
  );
  const { stdout } = context;
  const width = Math.max(60, Math.min(140, stdout.columns ?? 110));
  stdout.write(
    flags.json
      ? `${JSON.stringify({ schemaVersion: 1, ...found }, null, 2)}\n`
      : differenceReport(found, { chalk: new Chalk(), width }),
  );
}

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
    .action((a: string, b: string, flags: DiffFlags) => diff(a, b, flags, context));
}
