import type { PressureForecaster, PressureState } from "../../native/pressure.js";
import { formatBytes } from "../../units.js";
import type { KernelCounts } from "./kernel-text.js";
import { observeSample, type Sample } from "./sample.js";
import type { PressureSource, Reading, SourceEnd } from "./source.js";

/** Something worth a line. */
export interface Happening {
  readonly timeNs: number;
  readonly kind: "series" | "unreadable" | "kernel" | "action";
  readonly text: string;
}

export interface WatchStep {
  readonly sample: Sample;
  readonly state: PressureState;
  readonly happenings: readonly Happening[];
  /** Processes that the kernel has killed for memory, since the sample before. */
  readonly oomKills: number;
}

/** A look that could not be had. */
export interface MissedLook {
  readonly missed: Happening;
}

/** Where a watch is shown. */
export interface WatchView {
  show(step: WatchStep): void;
  /** What happened between samples; a step's own happenings come with it. */
  tell(happening: Happening): void;
  close(): void;
}

/** Looks in a row that may fail before the watch gives up. */
const MOST_MISSED = 5;

const SERIES_EVENTS: Readonly<Record<PressureState["event"], string | undefined>> = {
  none: undefined,
  gap: "a gap in the samples",
  change: "the series changed its course: the forecaster begins anew",
  clock: "the clock went back: the forecaster begins anew",
  total: "the limit changed",
};

/** From looks at a source to samples and what the forecaster makes of them. */
export class Watcher {
  private missedInARow = 0;
  private counts: KernelCounts | undefined;
  private lastTimeNs = -1;
  private lastTotalBytes: number | undefined;

  constructor(
    private readonly source: PressureSource,
    private readonly forecaster: PressureForecaster,
    private readonly clock: { nowNs(): number },
    /** In the place of what the source says. */
    private readonly limitBytes?: number,
  ) {}

  /** Throws the source's error once it has failed for several looks in a row. */
  look(): WatchStep | MissedLook | SourceEnd {
    const timeNs = this.time();
    let reading: Reading | SourceEnd;
    try {
      reading = this.source.read();
    } catch (error) {
      this.missedInARow += 1;
      if (this.missedInARow >= MOST_MISSED || !(error instanceof Error)) throw error;
      return { missed: { timeNs, kind: "unreadable", text: `no sample: ${error.message}` } };
    }
    if ("ended" in reading) return reading;
    this.missedInARow = 0;
    const sample: Sample = {
      timeNs,
      usedBytes: reading.usedBytes,
      totalBytes: this.limitBytes ?? reading.totalBytes,
      swapBytes: reading.swapBytes,
      psiMillipercent: reading.psiMillipercent,
    };
    const state = observeSample(this.forecaster, sample);
    const before = this.counts;
    this.counts = reading.counts;
    const kernel = before && reading.counts ? kernelEvents(before, reading.counts, timeNs) : [];
    return {
      sample,
      state,
      happenings: [...this.seriesEvent(state, sample), ...kernel],
      oomKills: Math.max(
        0,
        (reading.counts?.oomKills ?? 0) - (before?.oomKills ?? reading.counts?.oomKills ?? 0),
      ),
    };
  }

  /** The first look is at 0, and none at the time of the one before. */
  private time(): number {
    const now = this.clock.nowNs();
    this.lastTimeNs = this.lastTimeNs < 0 ? 0 : Math.max(now, this.lastTimeNs + 1);
    return this.lastTimeNs;
  }

  private seriesEvent(state: PressureState, { timeNs, totalBytes }: Sample): Happening[] {
    const before = this.lastTotalBytes;
    this.lastTotalBytes = totalBytes;
    const said = SERIES_EVENTS[state.event];
    if (said === undefined) return [];
    const moved =
      state.event === "total" && before !== undefined
        ? `: ${formatBytes(before)} → ${formatBytes(totalBytes)}`
        : "";
    return [{ timeNs, kind: "series", text: `${said}${moved}` }];
  }
}

function kernelEvents(before: KernelCounts, now: KernelCounts, timeNs: number): Happening[] {
  const happenings: Happening[] = [];
  const tell = (key: keyof KernelCounts, words: (times: number) => string): void => {
    const times = (now[key] ?? 0) - (before[key] ?? 0);
    if (times > 0) happenings.push({ timeNs, kind: "kernel", text: words(times) });
  };
  tell("oomKills", (times) => `the kernel killed ${times} process${times === 1 ? "" : "es"} for memory`);
  tell("oom", () => "the limit was reached, and nothing could be reclaimed");
  tell("high", () => "memory.high was passed: the kernel slows the group down");
  return happenings;
}
