import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Allocator, chooseAllocators } from "../../engine/allocators.js";
import { type CompiledPlan, compileGenerated, compilePlan } from "../../engine/plan.js";
import { runRound } from "../../engine/replayer.js";
import { Workspace } from "../../engine/workspace.js";
import { ReplayError } from "../../errors.js";
import type { MeasuredTrace } from "../../measure/assemble.js";
import { pairsOf } from "../../measure/figures.js";
import { type ProgressView, stepProgress } from "../../measure/measurement-progress.js";
import { measureTrace, type RowMeasurement, type ScheduleOptions } from "../../measure/schedule.js";
import { packageRoot } from "../../native.js";
import { type BacktestRequest, backtestSeries, type SeriesBacktest } from "../../pressure/backtest.js";
import { readSeries } from "../../pressure/read-series.js";
import { type OriginScore, scorecard } from "../../pressure/scorecard.js";
import type { Pair } from "../../statistics/comparison.js";
import { compileWorkload, type WorkloadOverrides } from "../../workload/compile.js";
import { findWorkload } from "../../workload/shipped.js";
import { onTinybench } from "../together.js";

/** Whose claims are measured: by default ours, each part where it is at home. */
export type Part = "rustydb" | "slab" | "arena" | "large";

export interface LabOptions {
  /** Any allocator, measured in the place of ours. */
  readonly subject: string | undefined;
  readonly rounds: number;
  readonly roundNs: number;
  readonly seed: number;
  /** How many traces of a workload, by different seeds, where a figure is the same each time for one. */
  readonly seeds: number;
}

export interface Load {
  /** A shipped workload, `bench/SUITE/CASE` among them, or a CSV trace: a name for it, and how to make it. */
  readonly workload?: string;
  readonly csv?: { readonly name: string; readonly text: () => string };
  readonly overrides?: WorkloadOverrides;
  readonly subject: Part;
  readonly what: "time" | "memory" | "latency";
  readonly touch?: ScheduleOptions["touch"];
}

/** What a load showed: ours, and malloc beside it. */
export interface Reading {
  readonly measured: MeasuredTrace;
  readonly ours: RowMeasurement;
  readonly malloc: RowMeasurement;
  /** Events and implied frees of the measured part. */
  readonly operations: number;
  /** Blocks that were born in the whole trace. */
  readonly births: number;
}

/** What the forecaster did on the shipped series that nothing was tuned on. */
export interface SeriesReading {
  readonly pooled: OriginScore;
  readonly series: readonly SeriesBacktest[];
}

/** The first run of each load chose the constants of the forecaster. */
const TUNED_ON = /-1(\.|$)/;
const OWN_SERIES = join(packageRoot, "workloads", "series");

/** The whole of what claims measure, each thing once. */
export class Lab {
  private readonly workspace = new Workspace();
  private readonly known = new Map<string, Promise<Reading[]>>();
  private series: Promise<SeriesReading> | undefined;
  private claim = "";

  constructor(
    readonly options: LabOptions,
    private readonly view: ProgressView,
    readonly signal: AbortSignal,
  ) {}

  dispose(): void {
    this.workspace.dispose();
  }

  /** For the view. */
  begin(claim: string): void {
    this.claim = claim;
  }

  allocator(part: Part): Allocator {
    const [chosen] = chooseAllocators([this.options.subject ?? part]).allocators;
    if (chosen === undefined) throw new Error("an allocator's name gave no allocator");
    return chosen;
  }

  /** One reading for time; for memory and latency one a seed. Throws ReplayError where an allocator failed. */
  readings(load: Load): Promise<Reading[]> {
    const key = JSON.stringify({ ...load, csv: load.csv?.name });
    const known = this.known.get(key) ?? this.measureAll(load);
    this.known.set(key, known);
    return known;
  }

  async reading(load: Load): Promise<Reading> {
    return (await this.readings(load))[0] as Reading;
  }

  private async measureAll(load: Load): Promise<Reading[]> {
    const seeds = load.what !== "time" && load.workload !== undefined ? this.options.seeds : 1;
    const readings: Reading[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) readings.push(await this.measureOne(load, seed));
    return readings;
  }

  /** The plan of a load. Whoever asked removes it, or leaves it to the end. */
  async plan(load: Load, seed: number): Promise<CompiledPlan> {
    const name = this.claim;
    if (load.workload === undefined) {
      const path = this.workspace.newFile("csv");
      writeFileSync(path, load.csv?.text() ?? "");
      return compilePlan(path, name, this.workspace, { threads: 0, withTimes: false, signal: this.signal });
    }
    const file = load.workload.startsWith("bench/")
      ? join(packageRoot, "workloads", `${load.workload}.yaml`)
      : load.workload;
    const program = compileWorkload(findWorkload(file), { ...load.overrides, seed });
    return compileGenerated(program, name, this.workspace, { signal: this.signal });
  }

  private async measureOne(load: Load, seed: number): Promise<Reading> {
    const { rounds, roundNs } = this.options;
    const plan = await this.plan(load, seed);
    const { trace } = plan;
    const { frees, impliedFrees, leftoverBlocks } = plan.summary;
    const operations = trace.measuredEvents + trace.measuredImpliedFrees;
    const [baseline] = chooseAllocators(["malloc"]).allocators;
    const subject = this.allocator(load.subject);
    const measurement = await measureTrace({
      plan: {
        trace: this.claim,
        path: plan.path,
        measuredEvents: operations,
        peakLiveBytes: trace.peakLiveBytes,
      },
      allocators: [subject, ...(subject.name === "malloc" ? [] : [baseline as Allocator])],
      baseline: baseline as Allocator,
      options: {
        rounds: load.what === "time" ? rounds : 0,
        warmup: 1,
        order: "free",
        touch: load.touch ?? "page",
        speed: "max",
        seed: this.options.seed,
        verify: false,
        latency: load.what === "latency",
        memory: load.what === "memory",
        aa: false,
        untilWidth: null,
        maxRounds: rounds,
        idleMs: 0,
        roundNs,
      },
      run: runRound,
      view: this.view,
      signal: this.signal,
      together: onTinybench(this.options.seed),
    });
    this.workspace.remove(plan.path);
    if (measurement.stopped !== undefined) throw measurement.stopped;
    const { baseline: malloc, rows } = measurement;
    const ours = rows.find(({ allocator }) => allocator.name === subject.name) ?? malloc;
    for (const { failure } of [ours, malloc]) if (failure instanceof ReplayError) throw failure;
    const births = frees + impliedFrees + leftoverBlocks;
    return { measured: { trace, measurement }, ours, malloc, operations, births };
  }

  /** The held-out shipped series under a sweep of limits. */
  ownSeries(): Promise<SeriesReading> {
    this.series ??= this.backtest();
    return this.series;
  }

  private async backtest(): Promise<SeriesReading> {
    const request: BacktestRequest = {
      model: "adaptive",
      beside: [],
      limits: { kind: "sweep" },
      policy: {},
      evictable: [0.3],
      extras: {},
    };
    const all = (await readSeries(OWN_SERIES, { signal: this.signal })).filter(
      ({ name }) => !TUNED_ON.test(name),
    );
    const series: SeriesBacktest[] = [];
    for (const each of all) {
      await this.show(`backtest of ${each.name}`, series.length + 1, all.length);
      series.push(await backtestSeries(each, request, this.signal));
    }
    const { all: several, origins } = scorecard(series);
    const pooled = several ?? origins[0];
    if (pooled === undefined) throw new Error(`there is no series in ${OWN_SERIES}`);
    return { pooled, series };
  }

  /** Progress of what is no replay. */
  async show(what: string, round = 1, rounds = 1): Promise<void> {
    await this.view.show(stepProgress(this.claim, "timed", { allocator: what, round, rounds }));
  }
}

/** Net times of the rounds, ours and malloc's, in ns a pass. */
export function timePairs({ ours, malloc, measured }: Reading): Pair[] {
  return pairsOf(ours.rounds, malloc.rounds, "warm", measured.measurement.loop.rounds);
}

/** The same with the cost of the loop in both. */
export function rawTimePairs({ ours, malloc }: Reading): Pair[] {
  return pairsOf(ours.rounds, malloc.rounds, "warm");
}
