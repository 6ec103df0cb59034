import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { Chalk } from "chalk";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ResultFile } from "../measure/measurement.js";
import { csvReport } from "../report/csv.js";
import { jsonReport } from "../report/json.js";
import { junitReport } from "../report/junit.js";
import { markdownReport } from "../report/markdown.js";
import { prometheusReport } from "../report/prometheus.js";
import { SORTS, type Sort } from "../report/rows.js";
import { terminalReport } from "../report/terminal.js";
import { TIME_UNITS, type TimeUnit } from "../units.js";
import type { CommandContext } from "./context.js";
import { exportTo, replaceFile } from "./export.js";

/** What becomes of a result: the options that every command has which ends with one. */
export interface ResultFlags {
  readonly timeUnit?: TimeUnit;
  readonly sort: Sort;
  readonly exportJson?: string;
  readonly exportMarkdown?: string;
  readonly exportCsv?: string;
  readonly exportJunit?: string;
  readonly exportPrometheus?: string;
  readonly exportHtml?: string;
  readonly json: boolean;
  readonly verbose: boolean;
}

/** A file in a folder that can be written to: found out before anything runs. */
function exportPath(text: string): string {
  try {
    if (statSync(dirname(text)).isDirectory()) accessSync(dirname(text), constants.W_OK);
    else throw new Error("no folder");
  } catch {
    throw new InvalidArgumentError(`There is no folder ${dirname(text)} that can be written to.`);
  }
  return text;
}

export function addResultOptions(command: Command): Command {
  return command
    .addOption(new Option("-u, --time-unit <unit>", "of times per event").choices(TIME_UNITS))
    .addOption(new Option("--sort <by>", "order of the rows").choices(SORTS).default("time"))
    .option("--export-json <file>", "write the whole result", exportPath)
    .option("--export-markdown <file>", "write the report as Markdown", exportPath)
    .option("--export-csv <file>", "write a row for each allocator", exportPath)
    .option("--export-junit <file>", "write JUnit's XML: a suite a trace, a case an allocator", exportPath)
    .option("--export-prometheus <file>", "write metrics for node_exporter's textfile collector", exportPath)
    .option(
      "--export-html <file>",
      "write the report as one HTML file with charts (this, --export-json and --json read the trace once more, for what it holds)",
      exportPath,
    )
    .option("--json", "the result on standard output as JSON, nothing else", false)
    .option("-v, --verbose", "what each allocator counted, and memory in detail", false);
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
