import { Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { OUTPUT_FORMATS, type OutputFormat } from "../trace/output.js";
import { parseBytes } from "../units.js";
import type { CommandContext } from "./context.js";
import { parsedBy } from "./trace-options.js";

export interface GenerateFlags {
  readonly output?: string;
  readonly to?: OutputFormat;
  readonly events?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly live?: number;
  readonly from?: string;
  readonly list?: boolean;
  readonly schema?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem generate --list
  $ rustydb-mem generate oltp-tpcc -o oltp.rmt.gz
  $ rustydb-mem generate long-running-aging -o aging.rmt --events 10M --live 1GiB --seed 7
  $ rustydb-mem generate mine.yaml -o - --to csv --events 1000 | head
  $ rustydb-mem generate --from recorded.rmt.gz -o like-recorded.yaml
  $ rustydb-mem generate --schema > workload.schema.json

An editor that understands JSON schemas checks a workload file whose first line is
  # yaml-language-server: $schema=workload.schema.json`;

/** 600000, 600k, 10M: counts of events. */
function parseCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text);
  const count =
    match === null ? Number.NaN : Number(match[1]) * { "": 1, k: 1e3, M: 1e6, G: 1e9 }[match[2] as ""];
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError("bad-number", `"${text}" is not a number of events`, {
    remedy: "Write it like 600000, 600k or 10M.",
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError("bad-number", `"${text}" is not a whole number`);
}

export function command(context: CommandContext): Command {
  return new Command("generate")
    .usage("[options] <workload>")
    .summary("make a trace from a workload file")
    .description(
      "Make a trace from a workload file: one that is shipped, or your own. The same seed makes the same trace.",
    )
    .argument("[workload]", "the name of a shipped workload, or a file that ends in .yaml")
    .option(
      "-o, --output <file>",
      "the trace; its name says the format; - is standard output (default: NAME.rmt.gz)",
    )
    .addOption(
      new Option("--to <format>", "what to write, where the name does not say").choices(OUTPUT_FORMATS),
    )
    .option("--events <n>", "about so many events, e.g. 600k or 10M", parsedBy(parseCount))
    .option("--seed <n>", "another seed, another trace", parsedBy(wholeNumber), 1)
    .option("--threads <n>", "so many threads, beside those of jobs", parsedBy(wholeNumber))
    .option("--live <size>", "target of what is alive, e.g. 1GiB", parsedBy(parseBytes))
    .option("--from <trace>", "fit a workload file to a trace, instead of making a trace")
    .option("--list", "the workloads that are shipped")
    .option("--schema", "the JSON schema of workload files, for editors")
    .option("-f, --force", "replace a file that is there")
    .option("--json", "what was done on standard output as JSON, nothing else")
    .option("-q, --quiet", "no progress")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string | undefined, flags: GenerateFlags) =>
      (await import("./generate-action.js")).generateWith(name, flags, context),
    );
}
