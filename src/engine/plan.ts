import { createHash } from "node:crypto";
import type { TraceResult } from "../measure/measurement.js";
import type { PipelineFilters, PipelineResult, PlanSummary } from "../native.js";
import { runGenerated } from "../trace/generated.js";
import { type RunProgress, runTrace, type TraceSource } from "../trace/source.js";
import type { Workspace } from "./workspace.js";

export interface PlanOptions {
  /** Replaying threads; 0: those of the trace. */
  readonly threads: number;
  /** Keep the times, for a replay at the trace's own speed. */
  readonly withTimes: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
}

/** A trace compiled for replay, and what is to be said about it. */
export interface CompiledPlan {
  readonly path: string;
  readonly summary: PlanSummary;
  readonly trace: TraceResult;
}

function describeTrace(name: string, sha256: string, run: PipelineResult, plan: PlanSummary): TraceResult {
  const cpus = Number(run.header.cpus);
  return {
    name,
    sha256,
    events: plan.events,
    impliedFrees: plan.impliedFrees,
    measuredEvents: plan.measuredEvents,
    measuredImpliedFrees: plan.measuredImpliedFrees,
    threads: plan.threads,
    transactions: plan.transactions,
    peakLiveBytes: plan.peakLiveBytes,
    dropped: run.report.dropped,
    repaired: run.report.repaired,
    repairs: run.report.repairs.map((repair) => ({ ...repair, firstPositions: [...repair.firstPositions] })),
    warnings: [...run.report.warnings],
    crossThreadFrees: plan.crossThreadFrees,
    scopedBlocks: plan.scopedBlocks,
    eligibleBlocks: plan.eligibleBlocks,
    waits: plan.waits,
    openingBlocks: plan.openingBlocks,
    ...(Number.isInteger(cpus) && cpus > 0 ? { originCpus: cpus } : {}),
  };
}

/**
 * Compiles a trace into a plan file in the workspace. Throws TraceError for what is wrong with the trace, UserError `disk-full`
 * naming the folder, Interrupted when the signal came.
 * @param name what reports call the trace; several of one run need different ones
 */
export async function compilePlan(
  source: TraceSource,
  name: string,
  workspace: Workspace,
  options: PlanOptions,
): Promise<CompiledPlan> {
  const planPath = workspace.newFile("plan");
  const { threads, withTimes, signal, onProgress } = options;
  const run = await runTrace(
    source,
    { kind: "plan", planPath, spoolDirectory: workspace.path, threads, withTimes },
    {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );
  return toPlan(planPath, name, run.file.sha256 ?? "", run);
}

/** Compiles the trace that a workload makes. @param program of workload/compile.ts */
export async function compileGenerated(
  program: string,
  name: string,
  workspace: Workspace,
  options: { readonly signal?: AbortSignal; readonly filters?: PipelineFilters } = {},
): Promise<CompiledPlan> {
  const planPath = workspace.newFile("plan");
  const run = await runGenerated(
    program,
    { kind: "plan", planPath, spoolDirectory: workspace.path },
    options,
  );
  return toPlan(planPath, name, createHash("sha256").update(program).digest("hex"), run);
}

function toPlan(path: string, name: string, sha256: string, run: PipelineResult): CompiledPlan {
  if (run.plan === null) throw new Error("the pipeline ended without a plan");
  return { path, summary: run.plan, trace: describeTrace(name, sha256, run, run.plan) };
}
