import { Chalk } from "chalk";
import { Command } from "commander";
import { inspectionReport } from "../report/inspection.js";
import type { Inspection } from "../trace/event.js";
import { runTrace } from "../trace/source.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { addTraceOptions, type TraceFlags } from "./trace-options.js";

interface InspectFlags extends TraceFlags {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem inspect trace.rmt.gz
  $ rustydb-mem inspect trace.zip --json | jq .analysis.sizes
  $ xzcat trace.txt.xz | rustydb-mem inspect -`;

async function inspect(path: string, flags: InspectFlags, context: CommandContext): Promise<void> {
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `reading ${path}`);
  let inspection: Inspection;
  try {
    const { file, header, report, analysis } = await runTrace(
      path,
      { kind: "inspect" },
      {
        strict: flags.strict === true,
        skipDamaged: flags.skipDamaged === true,
        signal: context.signal,
        ...(flags.format && { format: flags.format }),
        ...(progress && { onProgress: progress.show }),
      },
    );
    if (analysis === null) throw new Error("the pipeline ended without an analysis");
    inspection = { file, header, report, analysis };
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
    .option("--json", "the result on standard output as JSON, nothing else");
  return addTraceOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action((path: string, flags: InspectFlags) => inspect(path, flags, context));
}
