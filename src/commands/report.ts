import { Command } from "commander";
import type { CommandContext } from "./context.js";
import { wholeNumber } from "./option-values.js";
import { addResultOptions, type ResultFlags } from "./result-options.js";

export interface ReportFlags extends ResultFlags {
  readonly reference?: number;
}

const EXAMPLES = `
One file is shown as replay shows it, in every format. Several stand side by side: the ratios of each run to its own
baseline, and the change against the reference. Absolute times of two runs are not comparable, so changes of time are
ratios of ratios; peak memory is compared directly. What else differs (machine, options, libraries, traces) is said.

Examples:
  $ rustydb-mem replay trace.rmt --export-json old.json
  $ rustydb-mem report old.json --export-markdown old.md
  $ rustydb-mem report old.json new.json
  $ rustydb-mem report monday.json tuesday.json friday.json --reference 3 --export-csv week.csv
  $ ssh server cat result.json | rustydb-mem report - --verbose`;

export function command(context: CommandContext): Command {
  const bare = new Command("report")
    .usage("[options] <result.json...>")
    .summary("saved results again, or side by side")
    .description("Show saved results again in any format, or several side by side with what changed.")
    .argument("<result.json...>", "files that --export-json wrote; - is standard input")
    .option(
      "--reference <n>",
      "of several: the file that the others are compared with (default: 1)",
      wholeNumber(1),
    );
  return addResultOptions(bare)
    .addHelpText("after", EXAMPLES)
    .action(async (paths: string[], flags: ReportFlags) =>
      (await import("./report-action.js")).report(paths, flags, context),
    );
}
