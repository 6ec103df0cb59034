import { Chalk } from "chalk";
import { namedTrace } from "../engine/named-trace.js";
import { Interrupted, TraceError, UsageError, UserError } from "../errors.js";
import { type BacktestRequest, backtestSeries, type SeriesBacktest } from "../pressure/backtest.js";
import type { ForecastResult } from "../pressure/forecast-result.js";
import { optimisePolicy } from "../pressure/optimise.js";
import { readSeries } from "../pressure/read-series.js";
import { scorecard } from "../pressure/scorecard.js";
import type { Series } from "../pressure/series.js";
import { readTraceSeries } from "../pressure/series-trace.js";
import { forecastMarkdown } from "../report/forecast-markdown.js";
import { forecastReport } from "../report/forecast-terminal.js";
import type { TraceSource } from "../trace/source.js";
import type { CommandContext } from "./context.js";
import { exportTo } from "./export.js";
import type { ForecastFlags } from "./forecast.js";
import { ForecastProgress } from "./forecast-progress.js";
import { policyOf } from "./pressure-options.js";

const json = (result: ForecastResult): string =>
  `${JSON.stringify(result, (_, value) => (value instanceof Float64Array ? [...value] : value), 2)}\n`;

const DEFAULT_EVICTABLE = [0.1, 0.3, 0.5];

const DEFAULT_FALSE_ALARMS_PER_HOUR = 0.1;

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

export async function forecast(
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
