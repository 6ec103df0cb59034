import { type Allocator, chooseBaseline } from "../engine/allocators.js";
import { compileGenerated } from "../engine/plan.js";
import { runRound } from "../engine/replayer.js";
import { Workspace } from "../engine/workspace.js";
import { UserError } from "../errors.js";
import { type AssembledResults, assemble, type MeasuredTrace } from "../measure/assemble.js";
import { warmRatio } from "../measure/figures.js";
import type { TraceResult } from "../measure/measurement.js";
import { type ProgressView, type RunProgress, stepProgress } from "../measure/measurement-progress.js";
import { measureTrace, type ScheduleOptions } from "../measure/schedule.js";
import { compileWorkload } from "../workload/compile.js";
import { findWorkload } from "../workload/shipped.js";
import { allocatorsOf } from "./allocators.js";
import type { BenchCase, BenchSuite } from "./suites.js";
import { onTinybench } from "./together.js";

export interface BenchOptions {
  /** As -a names them; undefined: those of each suite. */
  readonly allocators: readonly string[] | undefined;
  readonly baseline: string | undefined;
  readonly rounds: number;
  readonly seed: number;
  readonly verify: boolean;
  readonly aa: boolean;
  readonly untilWidth: number | null;
  readonly maxRounds: number;
  /** How long the warm passes of a round take together. */
  readonly roundNs: number;
}

/** What one suite measured. */
export interface SuiteResult extends AssembledResults {
  readonly suite: BenchSuite;
  readonly baseline: string;
  readonly allocators: readonly string[];
  readonly traces: readonly TraceResult[];
  readonly warmPasses: Readonly<Record<string, number>>;
}

export interface SuitesResult {
  readonly suites: readonly SuiteResult[];
  /** Why it ended before all was done. */
  readonly stopped: UserError | undefined;
}

type Finished = NonNullable<RunProgress["finished"]>;

/** Runs suites one after the other, all allocators of a case in turns. */
class SuiteRunner {
  private readonly workspace = new Workspace();
  private readonly finished: Finished[number][] = [];

  constructor(
    private readonly suites: readonly BenchSuite[],
    private readonly options: BenchOptions,
    private readonly view: ProgressView,
    private readonly signal: AbortSignal,
  ) {}

  async all(): Promise<SuitesResult> {
    const results: SuiteResult[] = [];
    let stopped: UserError | undefined;
    try {
      for (const [index, suite] of this.suites.entries()) {
        const { allocators, warnings } = allocatorsOf(suite, this.options.allocators, this.workspace);
        const baseline = chooseBaseline(allocators, this.options.baseline);
        const measured: MeasuredTrace[] = [];
        try {
          for (const [at, each] of suite.cases.entries()) {
            const view = this.viewOf(suite, index, at);
            const trace = await this.one(suite, each, allocators, baseline, view);
            measured.push(trace);
            if (trace.measurement.stopped !== undefined) throw trace.measurement.stopped;
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          stopped = error;
        }
        if (measured.length > 0) results.push(this.resultOf(suite, baseline, allocators, measured, warnings));
        if (stopped !== undefined) break;
      }
      return { suites: results, stopped };
    } finally {
      this.workspace.dispose();
    }
  }

  private resultOf(
    suite: BenchSuite,
    baseline: Allocator,
    allocators: readonly Allocator[],
    measured: readonly MeasuredTrace[],
    warnings: readonly string[],
  ): SuiteResult {
    const assembled = assemble(measured, { threads: 0, order: "free", seed: this.options.seed });
    return {
      suite,
      baseline: baseline.name,
      allocators: allocators.map(({ name }) => name),
      traces: measured.map(({ trace }) => trace),
      warmPasses: Object.fromEntries(
        measured.map(({ trace, measurement }) => [trace.name, measurement.warmPasses]),
      ),
      ...assembled,
      warnings: [...warnings, ...assembled.warnings],
    };
  }

  private viewOf(suite: BenchSuite, index: number, at: number): ProgressView {
    const place = {
      name: suite.name,
      case: at + 1,
      cases: suite.cases.length,
      suite: index + 1,
      suites: this.suites.length,
    };
    return { show: (progress) => this.view.show({ ...progress, suite: place, finished: this.finished }) };
  }

  private async one(
    suite: BenchSuite,
    benchCase: BenchCase,
    allocators: readonly Allocator[],
    baseline: Allocator,
    view: ProgressView,
  ): Promise<MeasuredTrace> {
    const name = `${suite.name}/${benchCase.name}`;
    await view.show(stepProgress(name, "plan"));
    const program = compileWorkload(findWorkload(benchCase.workload), benchCase.overrides);
    const plan = await compileGenerated(program, name, this.workspace, {
      signal: this.signal,
      ...(suite.transactions ? {} : { filters: { unmarked: true } }),
    });
    const { trace } = plan;
    const measurement = await measureTrace({
      plan: {
        trace: name,
        path: plan.path,
        measuredEvents: trace.measuredEvents + trace.measuredImpliedFrees,
        peakLiveBytes: trace.peakLiveBytes,
      },
      allocators,
      baseline,
      options: this.scheduleOf(suite, benchCase),
      run: runRound,
      view,
      signal: this.signal,
      together: onTinybench(this.options.seed),
    });
    this.workspace.remove(plan.path);
    this.finished.push({ name, ratios: ratiosOf({ trace, measurement }, this.options.seed) });
    return { trace, measurement };
  }

  private scheduleOf(suite: BenchSuite, benchCase: BenchCase): ScheduleOptions {
    const { rounds, seed, verify, aa, untilWidth, maxRounds, roundNs } = this.options;
    const { untouched = false } = benchCase;
    return {
      ...{ rounds, seed, aa, untilWidth, maxRounds, roundNs },
      verify: verify && !untouched,
      warmup: 1,
      order: "free",
      touch: untouched ? "first" : "page",
      speed: "max",
      latency: suite.latency,
      memory: suite.memory && !untouched,
      idleMs: 0,
    };
  }
}

/** For the live view: each allocator's warm time against the baseline's. */
function ratiosOf({ measurement }: MeasuredTrace, seed: number): Finished[number]["ratios"] {
  const { rows, baseline, loop } = measurement;
  return rows
    .filter((row) => row !== baseline && row !== loop)
    .map((row) => ({
      allocator: row.allocator.name,
      ratio: warmRatio(row.rounds, baseline.rounds, loop.rounds, seed),
    }));
}

/** Throws what is wrong with allocators or workloads; when the signal was raised, what was finished comes back with the reason. */
export function runSuites(
  suites: readonly BenchSuite[],
  options: BenchOptions,
  view: ProgressView,
  signal: AbortSignal,
): Promise<SuitesResult> {
  return new SuiteRunner(suites, options, view, signal).all();
}
