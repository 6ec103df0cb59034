import { Chalk } from "chalk";
import { Command } from "commander";
import { namedTrace } from "../engine/named-trace.js";
import { Interrupted, TraceError, UsageError, UserError } from "../errors.js";
import { FORECAST_MODELS, type ForecastModel } from "../native/pressure.js";
import { type BacktestRequest, backtestSeries, type SeriesBacktest } from "../pressure/backtest.js";
import type { ColumnNames } from "../pressure/csv-columns.js";
import { SERIES_ROLES } from "../pressure/csv-columns.js";
import type { ForecastResult } from "../pressure/forecast-result.js";
import { optimisePolicy } from "../pressure/optimise.js";
import { readSeries } from "../pressure/read-series.js";
import { scorecard } from "../pressure/scorecard.js";
import type { Series } from "../pressure/series.js";
import { readTraceSeries } from "../pressure/series-trace.js";
import { forecastMarkdown } from "../report/forecast-markdown.js";
import { forecastReport } from "../report/forecast-terminal.js";
import type { TraceSource } from "../trace/source.js";
import { parseBytes } from "../units.js";
import type { CommandContext } from "./context.js";
import { exportTo } from "./export.js";
import { ForecastProgress } from "./forecast-progress.js";
import { addPressureOptions, type PressureFlags, policyOf } from "./pressure-options.js";
import { parsedBy } from "./trace-options.js";

interface ForecastFlags extends PressureFlags {
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

const DEFAULT_EVICTABLE = [0.1, 0.3, 0.5];
const DEFAULT_FALSE_ALARMS_PER_HOUR = 0.1;

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

function requestOf(flags: ForecastFlags): BacktestRequest {
  if (flags.limit !== undefined && flags.limitSweep) {
    throw new UsageError("usage", "--limit and --limit-sweep exclude each other", {
      remedy: "Leave one of them out.",
    });
  }
  if (flags.limit === 0) {
    throw new UsageError("bad-limit", "a limit of 0 leaves no memory to forecast", {
      remedy: "Write it like 8GiB.",
    });
  }
  if (flags.limit === undefined && !flags.limitSweep && flags.optimise) {
    throw new UsageError("usage", "--optimise needs limits, or there is nothing to alarm about", {
      remedy: "Add --limit-sweep or --limit.",
    });
  }
  const model = flags.model ?? "adaptive";
  // The rate that thresholds are to hold by themselves, and the one that is looked for, are two things.
  const { falseAlarms, ...rest } = flags;
  return {
    model,
    beside: flags.compare ?? ["linear"],
    limits:
      flags.limit !== undefined
        ? { kind: "bytes", bytes: flags.limit }
        : flags.limitSweep
          ? { kind: "sweep" }
          : { kind: "total" },
    policy: policyOf(flags.optimise || falseAlarms === undefined ? rest : flags),
    evictable: flags.evictable ?? DEFAULT_EVICTABLE,
    extras: {
      ...(flags.swap !== undefined && { swapBytes: flags.swap }),
      ...(flags.zram !== undefined && { zramRatio: flags.zram }),
    },
  };
}

/** A workload makes its samples on the fly; whatever names none may still be an archive, which has no file of its name. */
async function workloadOrPath(path: string): Promise<TraceSource> {
  try {
    return await namedTrace(path);
  } catch (error) {
    if (error instanceof TraceError && error.code === "file-not-found") return path;
    throw error;
  }
}

async function readAll(
  paths: readonly string[],
  flags: ForecastFlags,
  progress: ForecastProgress,
  warnings: string[],
  context: CommandContext,
): Promise<Series[]> {
  const series: Series[] = [];
  for (const path of paths) {
    progress.reading(path);
    const reading = {
      signal: context.signal,
      ...(flags.column && { columns: flags.column }),
      ...(flags.total !== undefined && { totalBytes: flags.total }),
      onSkipped: (file: string, error: UserError) => {
        warnings.push(`${file} was left out: ${error.message}`);
      },
    };
    const source = await workloadOrPath(path);
    const found =
      typeof source === "string"
        ? await readSeries(source, reading)
        : [await readTraceSeries(source, reading)];
    if (found.length === 0) {
      throw new UserError("no-series", `there is no series in ${path}`, {
        remedy: "docs/series.md tells what is read.",
      });
    }
    series.push(...found);
  }
  return series;
}

async function forecast(
  paths: readonly string[],
  flags: ForecastFlags,
  context: CommandContext,
): Promise<void> {
  const request = requestOf(flags);
  const progress = new ForecastProgress(flags, context);
  const warnings: string[] = [];
  let result: ForecastResult;
  try {
    const series = await readAll(paths, flags, progress, warnings, context);
    const played: SeriesBacktest[] = [];
    for (const [index, each] of series.entries()) {
      if (context.signal.aborted) throw new Interrupted();
      progress.forecasting(each, index, series.length);
      const backtest = await backtestSeries(each, request, context.signal);
      played.push(backtest);
      progress.done(backtest);
    }
    const found = flags.optimise
      ? await optimisePolicy(series, request, flags.falseAlarms ?? DEFAULT_FALSE_ALARMS_PER_HOUR, {
          signal: context.signal,
          onTried: (tried, of) => progress.trying(tried, of),
        })
      : null;
    if (flags.optimise && found === null)
      warnings.push("No policy was looked for: it takes two series of half an hour, with limits.");
    if (request.limits.kind === "total" && played.every(({ limits }) => limits.length === 0)) {
      warnings.push(
        "No series says how much memory there is, so there are no alarms: --limit gives one, --limit-sweep tries many.",
      );
    }
    result = {
      schemaVersion: 1,
      tool: { name: "rustydb-mem", version: context.version },
      date: new Date().toISOString(),
      command: [...context.words],
      request,
      scorecard: scorecard(played),
      optimised: found,
      warnings,
    };
  } finally {
    await progress.close();
  }
  report(result, flags, context);
}

/** Typed arrays as arrays; numbers that are none as null. */
const json = (result: ForecastResult): string =>
  `${JSON.stringify(result, (_, value) => (value instanceof Float64Array ? [...value] : value), 2)}\n`;

function report(result: ForecastResult, flags: ForecastFlags, context: CommandContext): void {
  const { stdout } = context;
  exportTo(flags.exportJson, () => json(result));
  exportTo(flags.exportMarkdown, () => forecastMarkdown(result));
  const width = Math.max(60, Math.min(140, stdout.columns ?? 110));
  const style = {
    chalk: new Chalk(),
    width,
    explain: flags.explain === true,
    verbose: flags.verbose === true,
  };
  stdout.write(flags.json ? json(result) : forecastReport(result, style));
}

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
    .action((paths: string[], flags: ForecastFlags) => forecast(paths, flags, context));
}
