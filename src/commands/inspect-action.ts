import { Chalk } from "chalk";
import { namedTrace } from "../engine/named-trace.js";
import { callSitesReport } from "../report/call-sites.js";
import { inspectionReport } from "../report/inspection.js";
import { rankCallSites } from "../trace/call-sites.js";
import type { InspectedSearch, Inspection } from "../trace/event.js";
import { kindsOfTrace, withUnmatched } from "../trace/kinds-of-trace.js";
import { type RunOptions, runTrace } from "../trace/source.js";
import { type FoundTransactions, findTransactions, refusePipe } from "../trace/transactions.js";
import type { CommandContext } from "./context.js";
import { CALL_SITES_SHOWN, type InspectFlags } from "./inspect.js";
import { ReadingProgress } from "./reading-progress.js";

/** The levels that the first pass saw and the phases of the second; not the boundaries, which are no one's reading. */
function inspected({ levels, search }: FoundTransactions): InspectedSearch {
  const { boundaries, ...all } = search;
  return { ...all, threads: levels.threads };
}

export async function inspect(path: string, flags: InspectFlags, context: CommandContext): Promise<void> {
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
