import { statSync } from "node:fs";
import { basename } from "node:path";
import {
  type Allocator,
  type AllocatorChoice,
  chooseAllocators,
  chooseBaseline,
} from "../engine/allocators.js";
import { namedTrace } from "../engine/named-trace.js";
import { type CompiledPlan, compilePlan } from "../engine/plan.js";
import { type RoundRunner, replayExecutable, runRound } from "../engine/replayer.js";
import { profileTrace } from "../engine/trace-profile.js";
import { Workspace } from "../engine/workspace.js";
import { ReplayError, TraceError, UsageError, UserError } from "../errors.js";
import { assemble, type MeasuredTrace } from "../measure/assemble.js";
import type { ForecastPlan } from "../measure/forecast.js";
import { readHost } from "../measure/host.js";
import type { HostInfo, ResultFile, TraceResult } from "../measure/measurement.js";
import { type ProgressView, stepProgress } from "../measure/measurement-progress.js";
import { measureTrace } from "../measure/schedule.js";
import { TraceInput } from "../trace/input.js";
import { pathOf, type TraceSource } from "../trace/source.js";
import type { CommandContext } from "./context.js";
import { openProgress } from "./live-progress.js";
import type { ReplayFlags } from "./replay-options.js";
import { resultHead, writeResult } from "./result-output.js";

interface Job {
  readonly paths: readonly string[];
  /** What each of them names. */
  readonly sources: readonly TraceSource[];
  readonly flags: ReplayFlags;
  readonly choice: AllocatorChoice;
  readonly baseline: Allocator;
  readonly context: CommandContext;
  readonly host: HostInfo;
}

/** Reads the words into a job, and finds out now what would fail after an hour. */
async function prepare(paths: readonly string[], flags: ReplayFlags, context: CommandContext): Promise<Job> {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new UsageError("usage", "standard input can be one trace only");
  }
  if (flags.speed === "1x" && flags.order === "recorded") {
    throw new UsageError(
      "usage",
      "--speed 1x needs threads that run free: taking turns, they would sleep in turn",
      {
        remedy: "Leave --order recorded out.",
      },
    );
  }
  checkForecastFlags(flags);
  const choice = chooseAllocators(flags.allocators ?? ["all"]);
  if (choice.allocators.length === 0) throw new UsageError("usage", "no allocator is left to replay through");
  const baseline = chooseBaseline(choice.allocators, flags.baseline);
  replayExecutable();
  const sources: TraceSource[] = [];
  for (const path of paths) {
    const source = await namedTrace(path);
    if (typeof source === "string") await TraceInput.check(source);
    sources.push(source);
  }
  // Before anything runs: how busy the machine was without us.
  return { paths, sources, flags, choice, baseline, context, host: readHost() };
}

function checkForecastFlags({ forecast, memory, limit, purge }: ReplayFlags): void {
  if (!forecast && (limit !== undefined || purge)) {
    throw new UsageError("usage", `${purge ? "--purge" : "--limit"} belongs to a forecast`, {
      remedy: "Add --forecast.",
    });
  }
  if (forecast && !memory) {
    throw new UsageError("usage", "--forecast looks at memory, which --no-memory leaves out", {
      remedy: "Leave --no-memory out.",
    });
  }
}

/** Names of several traces in reports: the file's, with its folders where two are the same. */
function traceNames(paths: readonly string[]): string[] {
  const short = paths.map((path) => (path === "-" ? "standard input" : basename(path)));
  return short.map((name, index) => {
    if (short.indexOf(name) === short.lastIndexOf(name)) return name;
    const path = paths[index] as string;
    const before = paths.slice(0, index).filter((each) => each === path).length;
    return before === 0 ? path : `${path} (${before + 1})`;
  });
}

/** The forecast of a trace. Throws TraceError where it has no times; UsageError where `--purge` has no limit. */
function forecastPlan(
  { summary }: CompiledPlan,
  source: TraceSource,
  { limit, purge }: ReplayFlags,
): ForecastPlan {
  if (summary.spanNs === null) {
    throw new TraceError(
      "no-times",
      "has no times, so nothing can be forecast of it",
      { file: pathOf(source) },
      { remedy: "Leave --forecast out, or record the program anew: rustydb-mem record keeps the times." },
    );
  }
  const fromTrace = limit === undefined && summary.sampledTotalBytes > 0;
  const limitBytes = limit ?? (fromTrace ? summary.sampledTotalBytes : null);
  if (purge && limitBytes === null) {
    throw new UsageError("usage", "--purge needs a limit, and the trace has no samples that tell one", {
      remedy: "Give one: --limit 8GiB.",
    });
  }
  return {
    model: "adaptive",
    limitBytes,
    limitFrom: limitBytes === null ? null : fromTrace ? "trace" : "option",
    spanS: summary.spanNs / 1e9,
    purge,
  };
}

/** What the trace holds, where an export shows it: one more pass, which a pipe does not give. */
async function profileFor(
  source: TraceSource,
  flags: ReplayFlags,
  { signal }: CommandContext,
  progress: (fraction: number | undefined) => void,
): Promise<Pick<TraceResult, "profile" | "profileAbsent">> {
  if (!flags.json && flags.exportJson === undefined && flags.exportHtml === undefined) return {};
  const once = typeof source === "string" && (source === "-" || !statSync(source).isFile());
  if (once) return { profileAbsent: "read-once" };
  const profile = await profileTrace(source, {
    signal,
    onProgress: ({ doneBytes, totalBytes }) => progress(totalBytes ? doneBytes / totalBytes : undefined),
  });
  return { profile };
}

async function measureOne(
  source: TraceSource,
  name: string,
  job: Job,
  workspace: Workspace,
  view: ProgressView,
  run: RoundRunner,
): Promise<MeasuredTrace> {
  const { flags, choice, baseline, context } = job;
  const planning = (fraction: number | undefined): void => {
    void view.show(stepProgress(name, "plan", { fraction }));
  };
  planning(undefined);
  const plan = await compilePlan(source, name, workspace, {
    threads: flags.threads,
    withTimes: flags.speed === "1x",
    signal: context.signal,
    onProgress: ({ doneBytes, totalBytes }) => planning(totalBytes ? doneBytes / totalBytes : undefined),
  });
  const trace = { ...plan.trace, ...(await profileFor(source, flags, context, planning)) };
  const { forecast: wanted, ...measured } = flags;
  const forecast = wanted ? forecastPlan(plan, source, flags) : undefined;
  const scheduled = {
    trace: name,
    path: plan.path,
    measuredEvents: trace.measuredEvents + trace.measuredImpliedFrees,
    peakLiveBytes: trace.peakLiveBytes,
  };
  const measurement = await measureTrace({
    plan: scheduled,
    allocators: choice.allocators,
    baseline,
    options: {
      ...measured,
      untilWidth: flags.until ?? null,
      idleMs: flags.idle,
      ...(forecast === undefined ? {} : { forecast }),
    },
    run,
    view,
    signal: context.signal,
  }).catch((error: unknown) => {
    if (!(error instanceof ReplayError) || error.code !== "no-times") throw error;
    throw new TraceError(
      "no-times",
      "has no times, so it cannot be replayed at its own speed",
      { file: pathOf(source) },
      {
        remedy: "Leave --speed 1x out.",
      },
    );
  });
  workspace.remove(plan.path);
  return { trace, measurement };
}

interface Measured {
  readonly traces: readonly MeasuredTrace[];
  /** Why it ended before all was done. */
  readonly stopped: UserError | undefined;
}

/** All traces, one after the other; stopped in the middle, those that were begun. */
async function measureAll(job: Job, view: ProgressView, run: RoundRunner): Promise<Measured> {
  const workspace = new Workspace();
  const traces: MeasuredTrace[] = [];
  try {
    const names = traceNames(job.paths);
    for (const [index, source] of job.sources.entries()) {
      const measured = await measureOne(source, names[index] as string, job, workspace, view, run);
      traces.push(measured);
      const { stopped } = measured.measurement;
      if (stopped !== undefined) return { traces, stopped };
    }
    return { traces, stopped: undefined };
  } catch (error) {
    // What was measured before is not lost with it.
    if (error instanceof UserError && traces.length > 0) return { traces, stopped: error };
    throw error;
  } finally {
    workspace.dispose();
  }
}

function warningsOf(job: Job, traces: readonly TraceResult[], file: Pick<ResultFile, "host">): string[] {
  const warnings = [...job.choice.warnings];
  for (const trace of traces) {
    warnings.push(...trace.warnings.map((warning) => `${trace.name}: ${warning}`));
    for (const repair of trace.repairs) {
      const places = repair.firstPositions.join(", ");
      warnings.push(
        `${trace.name}: ${repair.count} events ${repair.dropped ? "dropped" : "repaired"}: ${repair.category}` +
          `${places === "" ? "" : ` (first at ${places})`}.`,
      );
    }
    if (trace.originCpus !== undefined && trace.originCpus !== file.host.cores) {
      warnings.push(
        `${trace.name} was recorded on ${trace.originCpus} CPUs, and this machine has ${file.host.cores}: ` +
          "allocators that size themselves by CPUs behave differently here.",
      );
    }
  }
  return warnings;
}

function toResultFile(job: Job, { traces: measured, stopped }: Measured): ResultFile {
  const { flags, choice, baseline, context, host } = job;
  const assembled = assemble(measured, flags);
  const traces = measured.map((each) => each.trace);
  return {
    ...resultHead(context, host, stopped),
    options: {
      allocators: choice.allocators.map((allocator) => allocator.name),
      baseline: baseline.name,
      rounds: flags.rounds,
      warmup: flags.warmup,
      warmPasses: Object.fromEntries(
        measured.map(({ trace, measurement }) => [trace.name, measurement.warmPasses]),
      ),
      threads: flags.threads,
      touch: flags.touch,
      speed: flags.speed,
      order: flags.order,
      seed: flags.seed,
      verify: flags.verify,
      latency: flags.latency,
      memory: flags.memory,
      aa: flags.aa,
      untilWidth: flags.until ?? null,
      maxRounds: flags.maxRounds,
      idleMs: flags.idle,
      ...(flags.forecast ? { forecast: { limitBytes: flags.limit ?? null, purge: flags.purge } } : {}),
    },
    traces,
    ...assembled,
    warnings: [...warningsOf(job, traces, { host }), ...assembled.warnings],
  };
}

export async function replay(
  paths: readonly string[],
  flags: ReplayFlags,
  context: CommandContext,
): Promise<void> {
  const job = await prepare(paths, flags, context);
  const view = await openProgress(flags, job.baseline.name, context);
  let measured: Measured;
  try {
    measured = await measureAll(job, view, runRound);
  } finally {
    view.close();
  }
  const { traces, stopped } = measured;
  const rows = traces.flatMap(({ measurement }) => measurement.rows);
  const anything = rows.some(
    (row) => row.rounds.length > 0 || row.memory !== undefined || row.verified !== null,
  );
  if (stopped === undefined || anything) await writeResult(toResultFile(job, measured), flags, context);
  if (stopped !== undefined) throw stopped;
  const failed = rows.find((row) => row.failure !== undefined);
  if (failed?.failure !== undefined) throw failed.failure;
}
