import { Chalk } from "chalk";
import { namedTrace } from "../engine/named-trace.js";
import { differenceReport } from "../report/difference.js";
import { difference, type ProfiledTrace } from "../trace/difference.js";
import { pathOf, runTrace, type TraceSource } from "../trace/source.js";
import type { CommandContext } from "./context.js";
import type { DiffFlags } from "./diff.js";
import { ReadingProgress } from "./reading-progress.js";

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

export async function diff(a: string, b: string, flags: DiffFlags, context: CommandContext): Promise<void> {
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
