import { Chalk } from "chalk";
import { type HostInfo, type ResultFile, SCHEMA_VERSION } from "../measure/measurement.js";
import { csvReport } from "../report/csv.js";
import { jsonReport } from "../report/json.js";
import { junitReport } from "../report/junit.js";
import { markdownReport } from "../report/markdown.js";
import { prometheusReport } from "../report/prometheus.js";
import { terminalReport } from "../report/terminal.js";
import type { CommandContext } from "./context.js";
import { exportTo, replaceFile } from "./export.js";
import type { ResultFlags } from "./result-options.js";

/** What every result says of the run that it is of. */
export function resultHead(
  context: CommandContext,
  host: HostInfo,
  stopped: unknown,
): Pick<ResultFile, "schemaVersion" | "tool" | "date" | "partial" | "command" | "host"> {
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "rustydb-mem", version: context.version, commit: null },
    date: new Date().toISOString(),
    partial: stopped !== undefined,
    command: [...context.words],
    host,
  };
}

/** Writes what the options ask for, and the report or JSON to standard output. Throws UserError `not-written`. */
export async function writeResult(
  file: ResultFile,
  flags: ResultFlags,
  context: CommandContext,
): Promise<void> {
  const style = { sort: flags.sort, unit: flags.timeUnit };
  exportTo(flags.exportJson, () => jsonReport(file));
  exportTo(flags.exportMarkdown, () => markdownReport(file, style));
  exportTo(flags.exportCsv, () => csvReport(file));
  if (flags.exportJunit !== undefined) {
    const xml = await junitReport(file);
    exportTo(flags.exportJunit, () => xml);
  }
  if (flags.exportPrometheus !== undefined) {
    replaceFile(flags.exportPrometheus, await prometheusReport(file));
  }
  if (flags.exportHtml !== undefined) {
    // Only here: the charts' libraries take a quarter of a second to load.
    const { htmlReport } = await import("../report/html/html.js");
    const page = await htmlReport(file, style);
    exportTo(flags.exportHtml, () => page);
  }
  const width = Math.max(60, Math.min(140, context.stdout.columns ?? 110));
  const text = flags.json
    ? jsonReport(file)
    : terminalReport(file, { ...style, chalk: new Chalk(), width, verbose: flags.verbose });
  context.stdout.write(text);
}
