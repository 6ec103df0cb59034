import { type Allocator, NONE } from "../engine/allocators.js";
import type {
  Hello,
  MemorySample,
  Pass,
  ReliefRequest,
  RoundMode,
  RoundOutcome,
  RoundRequest,
  RoundRunner,
  RunOptions,
  Speed,
  Touch,
} from "../engine/replayer.js";
import { Interrupted, ReplayError } from "../errors.js";
import { type RatioInterval, relativeWidth } from "../statistics/comparison.js";
import { Random } from "../statistics/random.js";
import { median } from "../statistics/summary.js";
import { isDisturbed, warmRatio } from "./figures.js";
import { CourseWatcher, type ForecastPlan } from "./forecast.js";
import type { LatencyResult, MemoryResult, Round } from "./measurement.js";
import type { ForecastResult } from "./measurement-forecast.js";
import type { MemoryCourse, Outlook, Phase, ProgressView, RunProgress } from "./measurement-progress.js";
import { interleavings } from "./order.js";
import { shareDone } from "./share-done.js";
import { followMemory, memoryOf } from "./timeline.js";

export interface ScheduleOptions {
  readonly rounds: number;
  readonly warmup: number;
  readonly order: "free" | "recorded";
  readonly touch: Touch;
  readonly speed: Speed;
  readonly seed: number;
  readonly verify: boolean;
  readonly latency: boolean;
  readonly memory: boolean;
  /** Measure the baseline against itself in the same rounds. */
  readonly aa: boolean;
  /** Go on until every interval is so narrow (0.02 is 2 %), or maxRounds; null: exactly `rounds`. */
  readonly untilWidth: number | null;
  readonly maxRounds: number;
  readonly idleMs: number;
  /** Look ahead in the memory rounds; undefined: not asked for. */
  readonly forecast?: ForecastPlan;
  /** How long the warm passes of a round take together; by default 0.3 s. */
  readonly roundNs?: number;
}

/**
 * Plays one timed round of several allocators together, in turns. An answer for each request, in their order: what came of it, or how
 * it failed. Throws Interrupted, and what is nobody's failure.
 */
export type TogetherRunner = (
  requests: readonly RoundRequest[],
  options: { readonly round: number; readonly signal?: AbortSignal },
) => Promise<readonly (RoundOutcome | ReplayError)[]>;

/** What the schedule has to know of a plan. */
export interface ScheduledPlan {
  readonly trace: string;
  readonly path: string;
  /** Explicit events and implied frees of the measured section. */
  readonly measuredEvents: number;
  readonly peakLiveBytes: number;
}

/** What one allocator showed on one trace. */
export interface RowMeasurement {
  readonly allocator: Allocator;
  readonly rounds: Round[];
  hello?: Hello;
  memory?: MemoryResult;
  forecast?: ForecastResult;
  outlook?: Outlook;
  /** Its memory so far, while it is weighed. */
  course?: MemoryCourse;
  latency?: LatencyResult;
  verified: boolean | null;
  stats: Readonly<Record<string, number>>;
  failure?: ReplayError;
}

/** What is done with the looks of a memory round. */
interface Watching {
  readonly onSample?: RunOptions["onSample"];
  readonly relief?: ReliefRequest;
}

export interface TraceMeasurement {
  readonly rows: readonly RowMeasurement[];
  readonly baseline: RowMeasurement;
  /** The loop with nothing behind it. */
  readonly loop: RowMeasurement;
  /** The baseline again, where A/A was asked for. */
  readonly again: RowMeasurement | undefined;
  readonly warmPasses: number;
  /** Why it ended before it was complete: an interruption, or a replay process that somebody killed. */
  readonly stopped: Interrupted | ReplayError | undefined;
}

/** Long against the start of a process and a tick of the clock, short enough for many rounds. */
const ROUND_NS = 0.3e9;
/** So many frames a round at most, however small the trace. */
const MAX_WARM_PASSES = 1000;
/** While rounds go on, ratios may be older than they by one part in so many. */
const RATIO_STALENESS = 20;
/** A disturbed round is played so often at most. */
const MAX_ATTEMPTS = 3;
/** A replay whose live peak is off by more is another program's. */
const MAX_PEAK_DEVIATION = 0.01;

/** Not the allocator's doing: whoever killed one replay process may kill the next. */
function isKill(error: unknown): error is ReplayError {
  return error instanceof ReplayError && error.code === "killed";
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function newRow(allocator: Allocator): RowMeasurement {
  return { allocator, rounds: [], verified: null, stats: {} };
}

function toRound(
  number: number,
  passes: readonly Pass[],
  recordedPeakBytes: number,
  fastestProbeNs: number,
): Round {
  const cold = passes.find((pass) => pass.cold);
  const warm = passes.filter((pass) => !pass.cold);
  const ratios = passes.map((pass) =>
    recordedPeakBytes === 0 ? 1 : pass.replayedPeakBytes / recordedPeakBytes,
  );
  // The pass that ran furthest apart decides.
  const worst = ratios.reduce((far, ratio) => (Math.abs(ratio - 1) > Math.abs(far - 1) ? ratio : far), 1);
  return {
    round: number,
    coldNs: cold?.wallNs ?? Number.NaN,
    warmNs: warm.map((pass) => pass.wallNs),
    cpuNs: passes.reduce((sum, pass) => sum + pass.cpuNs, 0),
    coldCpuNs: cold?.cpuNs ?? Number.NaN,
    warmCpuNs: warm.map((pass) => pass.cpuNs),
    warmProbeNs: warm.map((pass) => pass.probeNs),
    fastestProbeNs,
    replayedOverRecordedPeak: worst,
    valid: Math.abs(worst - 1) <= MAX_PEAK_DEVIATION,
  };
}

/** One trace through all allocators: checked, weighed, timed. */
class Schedule {
  private readonly rows: RowMeasurement[];
  private readonly baseline: RowMeasurement;
  private readonly loop: RowMeasurement;
  private readonly again: RowMeasurement | undefined;
  private readonly random: Random;
  private readonly ratios = new Map<RowMeasurement, { rounds: number; ratio: RatioInterval | undefined }>();
  private warmPasses = 1;
  /** Where rounds are played together, each allocator has passes for as long as the others, however slow it is. */
  private readonly ownPasses = new Map<RowMeasurement, number>();
  private fastestProbeNs = Number.POSITIVE_INFINITY;
  private timedSinceNs = 0;
  /** Rounds that are over, but for the timed ones. */
  private before = 0;
  /** Of the trace, as the empty loop looked at them. */
  private events: number | undefined;

  constructor(
    private readonly plan: ScheduledPlan,
    allocators: readonly Allocator[],
    baseline: Allocator,
    private readonly options: ScheduleOptions,
    private readonly run: RoundRunner,
    private readonly view: ProgressView,
    private readonly signal: AbortSignal | undefined,
    private readonly together: TogetherRunner | undefined,
  ) {
    this.rows = allocators.map(newRow);
    this.baseline = this.rows.find((row) => row.allocator.name === baseline.name) ?? newRow(baseline);
    if (!this.rows.includes(this.baseline)) this.rows.push(this.baseline);
    this.loop = this.rows.find((row) => row.allocator.name === NONE.name) ?? newRow(NONE);
    this.again = options.aa ? newRow(baseline) : undefined;
    this.random = new Random(options.seed);
  }

  async measure(): Promise<TraceMeasurement> {
    let stopped: TraceMeasurement["stopped"];
    try {
      await this.warmUp();
      if (this.options.verify) await this.check();
      if (this.options.memory) await this.weigh();
      if (this.options.latency) await this.sampleLatency();
      await this.time();
    } catch (error) {
      if (!(error instanceof Interrupted) && !isKill(error)) throw error;
      stopped = error;
    }
    const { rows, baseline, loop, again, warmPasses } = this;
    return { rows, baseline, loop, again, warmPasses, stopped };
  }

  /** Rows that are still in the race, the loop first. */
  private all(): RowMeasurement[] {
    const others = [...this.rows, ...(this.again === undefined ? [] : [this.again])];
    return [this.loop, ...others.filter((row) => row !== this.loop)].filter(
      (row) => row.failure === undefined,
    );
  }

  /**
   * Rounds that count for nothing: they bring plan and libraries into the page cache, find a preload that does not
   * load before hours are spent, and tell how long a pass takes.
   */
  private async warmUp(): Promise<void> {
    const passNs: number[] = [];
    const rounds = Math.max(1, this.options.warmup);
    for (let round = 1; round <= rounds; round += 1) {
      for (const row of this.all()) {
        if (row === this.again) continue;
        const outcome = await this.round(row, "timed", "warm-up", round, rounds);
        if (outcome === undefined) continue;
        const warm = outcome.passes.filter((pass) => !pass.cold).map((pass) => pass.wholeNs);
        this.ownPasses.set(row, this.passesOf(median(warm)));
        if (row !== this.loop) passNs.push(...warm);
      }
    }
    if (this.options.speed !== "1x" && passNs.length > 0) this.warmPasses = this.passesOf(median(passNs));
  }

  private passesOf(passNs: number): number {
    const fits = Math.round((this.options.roundNs ?? ROUND_NS) / Math.max(1, passNs));
    return Math.min(MAX_WARM_PASSES, Math.max(1, fits));
  }

  private async check(): Promise<void> {
    for (const row of this.all()) {
      if (row === this.loop || row === this.again) continue;
      const outcome = await this.round(row, "check", "check", 1, 1);
      row.verified = outcome !== undefined;
    }
  }

  private async weigh(): Promise<void> {
    const bare = await this.round(this.loop, "memory", "memory", 1, 1);
    if (bare === undefined) return;
    this.events = bare.samples.at(-1)?.event;
    const { forecast } = this.options;
    for (const row of this.all()) {
      if (row === this.again) continue;
      const looked =
        forecast === undefined || row === this.loop ? undefined : this.watch(row, forecast, bare);
      const { course, onSample } = followMemory(bare, looked?.watching.onSample);
      row.course = course;
      const outcome =
        row === this.loop ? bare : await this.round(row, "memory", "memory", 1, 1, { onSample });
      if (outcome === undefined) continue;
      row.memory = memoryOf(row.allocator.name, outcome, bare);
      row.stats = outcome.result.stats;
      if (forecast === undefined || looked === undefined) continue;
      const { model, limitBytes, limitFrom, spanS } = forecast;
      row.forecast = { model, limitBytes, limitFrom, spanS, ...looked.watcher.course() };
      if (forecast.purge && limitBytes !== null) await this.relieve(row, forecast, limitBytes, bare);
    }
  }

  /** Looks ahead while the round goes on, at each look as it comes. */
  private watch(
    row: RowMeasurement,
    forecast: ForecastPlan,
    bare: RoundOutcome,
  ): { watcher: CourseWatcher; watching: Watching } {
    const watcher = new CourseWatcher(forecast);
    const onSample = (sample: MemorySample, index: number): void => {
      watcher.take({ ...sample, bytes: Math.max(0, sample.bytes - (bare.samples[index]?.bytes ?? 0)) });
      const { state, ranOut, recent } = watcher;
      if (state !== undefined) row.outlook = { state, ranOut, recent };
    };
    return { watcher, watching: { onSample } };
  }

  /** The memory round once more, the allocator giving memory back as its level says. */
  private async relieve(
    row: RowMeasurement,
    forecast: ForecastPlan,
    limitBytes: number,
    bare: RoundOutcome,
  ): Promise<void> {
    const bareBytes = mean(bare.samples.map(({ bytes }) => bytes));
    const { watcher, watching } = this.watch(row, forecast, bare);
    const relief = { limitBytes, bareBytes };
    const outcome = await this.round(row, "memory", "relief", 1, 1, { ...watching, relief });
    if (outcome === undefined || row.forecast === undefined) return;
    const { result, reliefs } = outcome;
    row.forecast = { ...row.forecast, relieved: watcher.relieved(result.reliefName ?? null, reliefs) };
  }

  private async sampleLatency(): Promise<void> {
    for (const row of this.all()) {
      if (row === this.loop || row === this.again) continue;
      const outcome = await this.round(row, "latency", "latency", 1, 1);
      if (outcome?.result.latencyNs !== undefined) row.latency = outcome.result.latencyNs;
    }
  }

  private async time(): Promise<void> {
    const { rounds, untilWidth, maxRounds } = this.options;
    const last = untilWidth === null ? rounds : Math.max(rounds, maxRounds);
    const orders = interleavings(this.all(), this.random);
    this.timedSinceNs = performance.now() * 1e6;
    for (let round = 1; round <= last; round += 1) {
      // Without a baseline no interval will ever be narrow.
      if (round > rounds && this.baseline.failure !== undefined) return;
      if (round > rounds && untilWidth !== null && this.widest() <= untilWidth) return;
      const order = orders.next().value.filter((row) => row.failure === undefined);
      if (this.together !== undefined) {
        await this.timeTogether(this.together, order, round, untilWidth === null ? rounds : last);
        continue;
      }
      for (const row of order) {
        if (row.failure !== undefined) continue;
        const outcome = await this.timedRound(row, round, untilWidth === null ? rounds : last);
        if (outcome === undefined) continue;
        if (Object.keys(row.stats).length === 0) row.stats = outcome.result.stats;
      }
    }
  }

  /** A timed round of all rows at once, in turns. */
  private async timeTogether(
    together: TogetherRunner,
    order: readonly RowMeasurement[],
    round: number,
    of: number,
  ): Promise<void> {
    const [first] = order;
    if (first === undefined) return;
    await this.view.show({
      ...this.progress(first, "timed", round, of, undefined, undefined),
      allocator: undefined,
    });
    const outcomes = await together(
      order.map((row) => this.request(row, "timed")),
      { round, ...(this.signal === undefined ? {} : { signal: this.signal }) },
    );
    for (const [index, row] of order.entries()) {
      const outcome = outcomes[index] as RoundOutcome | ReplayError;
      if (outcome instanceof ReplayError) {
        if (row === this.loop || isKill(outcome)) throw outcome;
        row.failure = outcome;
        continue;
      }
      this.saw(row, outcome);
      row.rounds.push(toRound(round, outcome.passes, this.plan.peakLiveBytes, this.fastestProbeNs));
      if (Object.keys(row.stats).length === 0) row.stats = outcome.result.stats;
    }
  }

  /** Plays a timed round, and again, a few times at most, while somebody else uses the CPU. */
  private async timedRound(
    row: RowMeasurement,
    number: number,
    of: number,
  ): Promise<RoundOutcome | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.round(row, "timed", "timed", number, of);
      if (outcome === undefined) return undefined;
      const round = toRound(number, outcome.passes, this.plan.peakLiveBytes, this.fastestProbeNs);
      if (attempt < MAX_ATTEMPTS && isDisturbed(round)) continue;
      row.rounds.push(round);
      return outcome;
    }
  }

  /** The widest of the intervals so far, relative to its ratio. */
  private widest(): number {
    const widths = this.rows
      .filter((row) => row !== this.baseline && row !== this.loop && row.failure === undefined)
      .map((row) => this.ratioSoFar(row))
      .map((ratio) => (ratio === undefined ? Number.POSITIVE_INFINITY : relativeWidth(ratio)));
    return Math.max(0, ...widths);
  }

  /** Kept for a while: it is asked for before every round. */
  private ratioSoFar(row: RowMeasurement): RatioInterval | undefined {
    const rounds = Math.min(row.rounds.length, this.baseline.rounds.length, this.loop.rounds.length);
    const known = this.ratios.get(row);
    // Of hundreds of rounds a few more change little, and an interval of them takes long.
    if (known !== undefined && rounds - known.rounds < Math.max(1, known.rounds / RATIO_STALENESS))
      return known.ratio;
    const ratio = warmRatio(row.rounds, this.baseline.rounds, this.loop.rounds, this.options.seed);
    this.ratios.set(row, { rounds, ratio });
    return ratio;
  }

  /**
   * Plays a round; undefined when it failed, and then the row is out of the race. A failure of the empty loop is
   * thrown: nothing can be measured on such a machine. So are a kill, and a preload that did not load.
   */
  private async round(
    row: RowMeasurement,
    mode: RoundMode,
    phase: Phase,
    number: number,
    of: number,
    watching: Watching = {},
  ): Promise<RoundOutcome | undefined> {
    const before = phase === "timed" ? this.rateOf(row) : undefined;
    await this.view.show(this.progress(row, phase, number, of, undefined, before));
    const request = this.request(row, mode, watching.relief);
    const startedMs = performance.now();
    // Nothing is drawn while a timed round runs on the same cores.
    const watch =
      mode === "timed"
        ? {}
        : {
            onProgress: (done: { done: number; total: number }) => {
              const rate = done.done / Math.max(1e-3, (performance.now() - startedMs) / 1e3);
              void this.view.show(
                this.progress(row, phase, number, of, done.done / Math.max(1, done.total), rate),
              );
            },
          };
    try {
      const outcome = await this.run(request, {
        ...watch,
        ...(watching.onSample === undefined ? {} : { onSample: watching.onSample }),
        ...(this.signal === undefined ? {} : { signal: this.signal }),
      });
      this.saw(row, outcome);
      if (phase !== "timed") this.before += 1;
      return outcome;
    } catch (error) {
      if (!(error instanceof ReplayError) || row === this.loop || isKill(error)) throw error;
      row.failure = error;
      return undefined;
    }
  }

  private request(row: RowMeasurement, mode: RoundMode, relief?: ReliefRequest): RoundRequest {
    return {
      allocator: row.allocator,
      mode,
      planPath: this.plan.path,
      // Where the order decides the result, the trace's own; it is the same every time.
      order: mode === "memory" || mode === "check" ? "recorded" : this.options.order,
      warmPasses: this.together === undefined ? this.warmPasses : this.passesTogether(row),
      touch: this.options.touch,
      speed: mode === "timed" ? this.options.speed : "max",
      idleMs: this.options.idleMs,
      // The empty loop looks at the same places as the others.
      ...(mode === "memory" && this.options.forecast !== undefined ? { times: true } : {}),
      ...(relief === undefined ? {} : { relief }),
    };
  }

  private passesTogether(row: RowMeasurement): number {
    return this.ownPasses.get(row === this.again ? this.baseline : row) ?? 1;
  }

  private saw(row: RowMeasurement, { hello, passes }: RoundOutcome): void {
    row.hello = hello;
    for (const { probeNs } of passes) this.fastestProbeNs = Math.min(this.fastestProbeNs, probeNs);
  }

  private progress(
    row: RowMeasurement,
    phase: Phase,
    round: number,
    rounds: number,
    fraction: number | undefined,
    eventsPerSecond: number | undefined,
  ): RunProgress {
    const finished = this.rows.filter((each) => each !== this.loop);
    return {
      trace: this.plan.trace,
      phase,
      allocator: row === this.again ? `${row.allocator.name} (again)` : row.allocator.name,
      round,
      rounds,
      fraction,
      eventsPerSecond,
      remainingNs: phase === "timed" ? this.remainingNs(rounds) : undefined,
      rows: finished.map((each) => ({
        allocator: each.allocator.name,
        rounds: each.rounds.length,
        ratio: each === this.baseline ? undefined : this.ratioSoFar(each),
        peakBytes: each.memory?.peakBytes,
        verified: each.verified,
        failed: each.failure !== undefined,
        ...(each.outlook === undefined ? {} : { outlook: each.outlook }),
        ...(each.course === undefined ? {} : { memory: each.course }),
        ...(each.latency === undefined ? {} : { latency: each.latency }),
        ...(each.hello === undefined ? {} : { clockNs: each.hello.clockNs }),
      })),
      overall: this.overall(fraction ?? 0),
      ...(this.events === undefined ? {} : { events: this.events }),
    };
  }

  /** Events a second in the last round of a row: the one that follows says nothing before it is over. */
  private rateOf(row: RowMeasurement): number | undefined {
    const warmNs = row.rounds.at(-1)?.warmNs;
    if (warmNs === undefined || warmNs.length === 0) return undefined;
    return this.plan.measuredEvents / (Math.max(1, median(warmNs)) / 1e9);
  }

  /** How much of it all is done; who left the race counts no longer. */
  private overall(fraction: number): number {
    const racing = this.all();
    return shareDone(this.options, {
      racing: racing.length,
      judged: racing.filter((row) => row !== this.loop && row !== this.again).length,
      done: racing.reduce((sum, row) => sum + row.rounds.length, this.before) + fraction,
    });
  }

  private remainingNs(rounds: number): number | undefined {
    const rows = this.all();
    const done = rows.reduce((sum, row) => sum + row.rounds.length, 0);
    if (done === 0) return undefined;
    const passedNs = performance.now() * 1e6 - this.timedSinceNs;
    return (passedNs / done) * Math.max(0, rounds * rows.length - done);
  }
}

export interface ScheduleRequest {
  readonly plan: ScheduledPlan;
  readonly allocators: readonly Allocator[];
  readonly baseline: Allocator;
  readonly options: ScheduleOptions;
  readonly run: RoundRunner;
  readonly view: ProgressView;
  readonly signal?: AbortSignal;
  /** Timed rounds are played by this, where given, in the place of one allocator after the other. */
  readonly together?: TogetherRunner;
}

/**
 * Measures one trace. Rounds of different allocators are interleaved; a failed allocator leaves the race and keeps
 * its reason. When the signal is raised, or a replay process is killed, what was finished comes back with the reason.
 * Throws ReplayError when the empty loop itself fails, AllocatorError when a preload did not load.
 */
export function measureTrace(request: ScheduleRequest): Promise<TraceMeasurement> {
  const { plan, allocators, baseline, options, run, view, signal, together } = request;
  return new Schedule(plan, allocators, baseline, options, run, view, signal, together).measure();
}
