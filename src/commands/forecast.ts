import { Command } from "commander";
import { UsageError } from "../errors.js";
import { FORECAST_MODELS, type ForecastModel } from "../native/pressure.js";
import { type ColumnNames, SERIES_ROLES } from "../pressure/csv-columns.js";
import { parseBytes } from "../units.js";
import type { CommandContext } from "./context.js";
import { addPressureOptions, type PressureFlags } from "./pressure-options.js";
import { parsedBy } from "./trace-options.js";

export interface ForecastFlags extends PressureFlags {
  readonly compare?: ForecastModel[];
  readonly limit?: number;
  readonly limitSweep?: boolean;
  readonly total?: number;
  readonly column?: ColumnNames;
  readonly evictable?: number[];
  readonly swap?: number;
  readonly zram?: number;
  readonly optimise?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
  readonly exportJson?: string;
  readonly exportMarkdown?: string;
  readonly quiet?: boolean;
  readonly tui: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem forecast incident.rmt.gz --limit 8GiB --explain
  $ rustydb-mem forecast series/ --limit-sweep --compare all
  $ rustydb-mem forecast metrics.csv --column time=ts --column used=rss_bytes --limit 4GiB
  $ rustydb-mem forecast /var/log/pcp/pmlogger/db1/20260131 --limit-sweep
  $ rustydb-mem forecast series/ --limit-sweep --optimise --false-alarms 0.1/h
  $ rustydb-mem forecast incident.rmt.gz --limit 8GiB --swap 4GiB --zram 2.5

A backtest plays series through the forecaster as if they were live, and says how good it was: its errors against "no
change", its intervals, its alarms against static ones, and what evicting in time would have prevented. docs/series.md
tells which files it reads; docs/forecast.md what the figures mean. watch does the same with what happens now.`;

function models(text: string): ForecastModel[] {
  if (text === "all") return [...FORECAST_MODELS];
  return text.split(",").map((word) => {
    const found = FORECAST_MODELS.find((model) => model === word.trim());
    if (found !== undefined) return found;
    throw new UsageError("bad-model", `"${word.trim()}" is no model`, {
      remedy: `There are ${FORECAST_MODELS.join(", ")}; all is all of them.`,
    });
  });
}

/** `30%,50%` or `none`. */
function shares(text: string): number[] {
  if (text === "none") return [];
  return text.split(",").map((word) => {
    const match = /^(\d+(?:\.\d+)?)%?$/.exec(word.trim());
    const share = match === null ? Number.NaN : Number(match[1]) / 100;
    if (share > 0 && share < 1) return share;
    throw new UsageError("bad-percent", `"${word.trim()}" is no share of memory`, {
      remedy: "Write them like 10%,30%, or none.",
    });
  });
}

function ratio(text: string): number {
  const value = Number(text);
  if (value > 1 && value <= 20) return value;
  throw new UsageError("bad-number", `"${text}" is no ratio of compression`, {
    remedy: "Write it like 2.5: two and a half pages in the place of one.",
  });
}

/** `used=rss_bytes`, gathered. */
function column(text: string, before: ColumnNames | undefined): ColumnNames {
  const at = text.indexOf("=");
  const role = SERIES_ROLES.find((each) => each === text.slice(0, at));
  if (at < 0 || role === undefined || text.length === at + 1) {
    throw new UsageError("bad-column", `"${text}" names no column`, {
      remedy: `Write it like used=rss_bytes; there are ${SERIES_ROLES.join(", ")}.`,
    });
  }
  return { ...before, [role]: text.slice(at + 1) };
}

/** Typed arrays as arrays; numbers that are none as null. */
export function command(context: CommandContext): Command {
  const bare = new Command("forecast")
    .usage("[options] <series...>")
    .summary("backtest the early warning on series of memory readings")
    .description("Play series of memory readings through the early warning, and say how good it was.")
    .argument(
      "<series...>",
      "files and folders: recordings of watch, traces with samples, CSV, PCP archives; -; workloads with samples",
    );
  return addPressureOptions(bare)
    .option("--compare <models>", "models beside it, or all (default: linear)", parsedBy(models))
    .option(
      "--limit <size>",
      "what may be used, e.g. 8GiB (default: the total that a series tells)",
      parsedBy(parseBytes),
    )
    .option("--limit-sweep", "limits from 0.7 to 1.5 times the peak of each series")
    .option(
      "--total <size>",
      "how much memory there is, in the place of what the series says",
      parsedBy(parseBytes),
    )
    .option("--column <role=name>", "a column of CSV files, e.g. used=rss; may be repeated", column)
    .option(
      "--evictable <shares>",
      "what of usage could be evicted (default: 10%,30%,50%), or none",
      parsedBy(shares),
    )
    .option("--swap <size>", "when would it have run out with so much swap?", parsedBy(parseBytes))
    .option("--zram <ratio>", "and with half of memory compressed so well?", parsedBy(ratio))
    .option(
      "--optimise",
      "look for the policy that sees most with so many --false-alarms (default: 0.1/h), in the place of --chances and --ahead",
    )
    .option("--explain", "why each alarm was raised")
    .option("--json", "the result on standard output as JSON, nothing else")
    .option("--export-json <file>", "the result as JSON")
    .option("--export-markdown <file>", "the report as Markdown")
    .option("-v, --verbose", "notes and figures of each series")
    .option(
      "--no-tui",
      "a progress line in place of the live view, which comes when it lasts longer than a second",
    )
    .option("-q, --quiet", "no progress")
    .addHelpText("after", EXAMPLES)
    .action(async (paths: string[], flags: ForecastFlags) =>
      (await import("./forecast-action.js")).forecast(paths, flags, context),
    );
}
