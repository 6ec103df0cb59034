import type { MemorySample, ReliefFrame } from "../engine/replayer.js";
import {
  type ForecastModel,
  PRESSURE_LEVELS,
  type PressureForecaster,
  type PressureState,
} from "../native/pressure.js";
import { native } from "../native.js";
import type { ForecastCourse, LevelEntry, RelievedCourse } from "./measurement-forecast.js";

/** What a memory round is to be looked at with. */
export interface ForecastPlan {
  readonly model: ForecastModel;
  readonly limitBytes: number | null;
  readonly limitFrom: "option" | "trace" | null;
  /** Of the trace. */
  readonly spanS: number;
  /** Once more, the allocator giving memory back. */
  readonly purge: boolean;
}

const CHART_POINTS = 240;
/** A forecaster takes silence for a gap. Where nothing was allocated or freed, memory is known: it is told again. */
const STILL_STEP_S = 1;
const STILL_STEPS = 1000;
/** Samples kept for whoever watches. */
const RECENT = 512;

/**
 * Memory of one allocator, look by look, under the forecaster. This runs here and not in the replay process, since a look counts
 * less what the empty loop had at the same place, which is another process's.
 */
export class CourseWatcher {
  private readonly forecaster: PressureForecaster;
  private readonly entries: { -readonly [Key in keyof LevelEntry]: LevelEntry[Key] }[] = [];
  private readonly used: (number | null)[] = new Array(CHART_POINTS).fill(null);
  private readonly live: (number | null)[] = new Array(CHART_POINTS).fill(null);
  private startNs: number | undefined;
  private samples = 0;
  private peakBytes = 0;
  private outS: number | null = null;
  private firstForecastS: number | null = null;
  /** As it is now; undefined before the first look. */
  state: PressureState | undefined;
  readonly recent: { timeS: number; value: number }[] = [];

  constructor(private readonly plan: ForecastPlan) {
    const { model, limitBytes } = plan;
    this.forecaster = new (native().PressureForecaster)({
      model,
      ...(limitBytes === null ? {} : { limitBytes }),
    });
  }

  /** A look at a time, less the bare process; others are nothing to it. */
  take({ timeNs, sinceNs, bytes, liveBytes, allocatedBytes }: MemorySample): void {
    if (timeNs === undefined) return;
    this.startNs ??= timeNs;
    const timeS = (timeNs - this.startNs) / 1e9;
    const sinceS = ((sinceNs ?? timeNs) - this.startNs) / 1e9;
    this.draw(timeS, bytes, liveBytes);
    this.samples += 1;
    this.peakBytes = Math.max(this.peakBytes, bytes);
    if (this.outS !== null) return;
    const allocated = allocatedBytes ?? Number.NaN;
    const stepS = Math.max(STILL_STEP_S, (timeS - sinceS) / STILL_STEPS);
    for (let stillS = sinceS + stepS; stillS < timeS; stillS += stepS) {
      this.observe(stillS, bytes, allocated, allocated - liveBytes);
    }
    this.observe(timeS, bytes, allocated, allocated - liveBytes);
    const { limitBytes } = this.plan;
    if (limitBytes !== null && bytes >= limitBytes) this.outS = timeS;
  }

  private observe(timeS: number, used: number, allocated: number, freed: number): void {
    const nan = Number.NaN;
    const state = this.forecaster.observe(timeS, used, nan, nan, nan, allocated, freed);
    this.state = state;
    this.recent.push({ timeS, value: used });
    if (this.recent.length > 2 * RECENT) this.recent.splice(0, RECENT);
    if (state.horizons.length > 0) this.firstForecastS ??= timeS;
    const level = PRESSURE_LEVELS.indexOf(state.level);
    for (let each = this.entries.length + 1; each <= level; each += 1) {
      this.entries.push({
        level: PRESSURE_LEVELS[each] as LevelEntry["level"],
        atS: timeS,
        times: 0,
        standsSinceS: null,
        usedBytes: used,
        reason: state.reason === null ? null : { ...state.reason },
        timeToCritical: state.timeToCritical === null ? null : { ...state.timeToCritical },
        horizons: state.horizons.map(({ skill: _, ...horizon }) => horizon),
      });
    }
    for (const [index, entry] of this.entries.entries()) {
      if (index + 1 > level) entry.standsSinceS = null;
      else if (entry.standsSinceS === null) {
        entry.standsSinceS = timeS;
        entry.times += 1;
      }
    }
  }

  private draw(timeS: number, used: number, live: number): void {
    const share = this.plan.spanS > 0 ? timeS / this.plan.spanS : 0;
    const point = Math.max(0, Math.min(CHART_POINTS - 1, Math.floor(share * CHART_POINTS)));
    this.used[point] = Math.max(this.used[point] ?? used, used);
    this.live[point] = Math.max(this.live[point] ?? live, live);
  }

  get ranOut(): boolean {
    return this.outS !== null;
  }

  course(): ForecastCourse {
    return {
      samples: this.samples,
      peakBytes: this.peakBytes,
      outS: this.outS,
      entries: this.entries,
      firstForecastS: this.firstForecastS,
      skill: (this.state?.horizons ?? []).map(({ horizonS, skill }) => ({ horizonS, skill })),
      chart: { usedBytes: this.used, liveBytes: this.live },
    };
  }

  /** The same of a round in which the allocator gave memory back. */
  relieved(by: string | null, reliefs: readonly ReliefFrame[]): RelievedCourse {
    const startNs = this.startNs ?? 0;
    return {
      ...this.course(),
      by,
      reliefs: reliefs.map(({ timeNs, level, beforeBytes, afterBytes }) => ({
        atS: (timeNs - startNs) / 1e9,
        level,
        beforeBytes,
        returnedBytes: beforeBytes - afterBytes,
      })),
    };
  }
}
