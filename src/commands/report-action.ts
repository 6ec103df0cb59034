import { Chalk } from "chalk";
import { UsageError } from "../errors.js";
import { readSavedResult } from "../measure/saved-result.js";
import { type NamedResult, sideBySide } from "../measure/side-by-side.js";
import { sideBySideMarkdown, sideBySideReport } from "../report/side-by-side.js";
import { sideBySideCsv } from "../report/side-by-side-csv.js";
import type { CommandContext } from "./context.js";
import { exportTo } from "./export.js";
import type { ReportFlags } from "./report.js";
import { writeResult } from "./result-output.js";

/** Formats that tell of one run. */
const OF_ONE: Readonly<Record<string, string>> = {
  exportHtml: "--export-html",
  exportJunit: "--export-junit",
  exportPrometheus: "--export-prometheus",
};

function checkOfOne(flags: ReportFlags): void {
  for (const [key, option] of Object.entries(OF_ONE)) {
    if ((flags as unknown as Record<string, unknown>)[key] === undefined) continue;
    throw new UsageError("usage", `${option} is of one result, not of several side by side`, {
      remedy: "Give one file, or export JSON, Markdown or CSV.",
    });
  }
}

function writeSideBySide(results: readonly NamedResult[], flags: ReportFlags, context: CommandContext): void {
  checkOfOne(flags);
  const beside = sideBySide(results, (flags.reference ?? 1) - 1);
  const json = (): string => `${JSON.stringify(beside, null, 2)}\n`;
  exportTo(flags.exportJson, json);
  exportTo(flags.exportMarkdown, () => sideBySideMarkdown(beside));
  exportTo(flags.exportCsv, () => sideBySideCsv(beside));
  const width = Math.max(60, Math.min(140, context.stdout.columns ?? 110));
  context.stdout.write(flags.json ? json() : sideBySideReport(beside, { chalk: new Chalk(), width }));
}

export async function report(
  paths: readonly string[],
  flags: ReportFlags,
  context: CommandContext,
): Promise<void> {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new UsageError("usage", "standard input can be one result only");
  }
  if (flags.reference !== undefined && flags.reference > paths.length) {
    throw new UsageError(
      "usage",
      `--reference ${flags.reference}: there ${paths.length === 1 ? "is 1 file" : `are ${paths.length} files`}`,
      {
        remedy: "It is the number of a file, from 1.",
      },
    );
  }
  const results: NamedResult[] = [];
  for (const path of paths) results.push({ path, result: await readSavedResult(path, context.stdin) });
  const [only, second] = results;
  if (only !== undefined && second === undefined) await writeResult(only.result, flags, context);
  else writeSideBySide(results, flags, context);
}
