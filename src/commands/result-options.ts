import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { SORTS, type Sort } from "../report/rows.js";
import { TIME_UNITS, type TimeUnit } from "../units.js";

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
