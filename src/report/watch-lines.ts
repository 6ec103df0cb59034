import type { ChalkInstance } from "chalk";
import type { PressureLevel } from "../native/pressure.js";
import type { Happening, WatchStep, WatchView } from "../pressure/live/watcher.js";
import {
  forecastText,
  LEVEL_COLOURS,
  rateText,
  reasonText,
  timeToCriticalText,
} from "../pressure/live/wording.js";
import { formatBytes, formatDuration, formatPercent } from "../units.js";

/** A watch without a screen: a line a sample, for people or as JSON. */

const clockTime = (date: Date): string => date.toTimeString().slice(0, 8);

function levelText(level: PressureLevel, chalk: ChalkInstance): string {
  const padded = level.padEnd(9);
  const colours = LEVEL_COLOURS[level];
  if (colours === null) return padded;
  const background = `bg${colours.background[0]?.toUpperCase()}${colours.background.slice(1)}` as "bgRed";
  return chalk[background][colours.text](padded);
}

/** Time, used, share, trend, forecast of 60 s, time to critical, level, action. */
function watchLine({ state }: WatchStep, date: Date, chalk: ChalkInstance): string {
  const { usedBytes, limitBytes, horizons, trend, slopeBytesPerS, level, action } = state;
  const share = limitBytes === null ? "–" : formatPercent(usedBytes / limitBytes);
  const minute = horizons.find(({ horizonS }) => horizonS === 60);
  const ahead = `60 s: ${minute === undefined ? "–" : forecastText(minute)}`;
  const words = [
    clockTime(date),
    formatBytes(usedBytes).padStart(9),
    share.padStart(6),
    `${trend.padEnd(10)} ${rateText(slopeBytesPerS).padStart(12)}`,
    ahead.padEnd(42),
    `critical: ${timeToCriticalText(state)}`.padEnd(26),
    levelText(level, chalk),
    action,
  ];
  const why = state.changed ? reasonText(state) : "";
  return `${words.join("  ")}${why === "" ? "" : ` (${why})`}\n`;
}

/** All that is known after a sample, on one line. */
function watchJson({ sample, state, happenings }: WatchStep, date: Date): string {
  const { timeS, ...rest } = state;
  const { swapBytes, psiMillipercent } = sample;
  const psiPercent = psiMillipercent === null ? null : psiMillipercent / 1000;
  const events = happenings.map(({ kind, text }) => ({ kind, text }));
  return `${JSON.stringify({ time: date.toISOString(), timeS, swapBytes, psiPercent, ...rest, happenings: events })}\n`;
}

function happeningLine({ text }: Happening, date: Date): string {
  return `${clockTime(date)}  ${text}\n`;
}

export interface WatchTotals {
  readonly samples: number;
  readonly missed: number;
  readonly lastTimeNs: number;
  readonly peakBytes: number;
  readonly peakShare: number | null;
  readonly highestLevel: PressureLevel;
}

/** `93 samples in 92.0 s, peak 1.20 GiB (61 %), highest level warning`. */
export function totalsText(totals: WatchTotals): string {
  const { samples, missed, lastTimeNs, peakBytes, peakShare, highestLevel } = totals;
  if (samples === 0) return "no sample was taken";
  const share = peakShare === null ? "" : ` (${formatPercent(peakShare)})`;
  const lost = missed === 0 ? "" : `, ${missed} missed`;
  return (
    `${samples} sample${samples === 1 ? "" : "s"} in ${formatDuration(lastTimeNs)}${lost}, ` +
    `peak ${formatBytes(peakBytes)}${share}, highest level ${highestLevel}`
  );
}

/** Samples on standard output, what happened on standard error. */
export class LineView implements WatchView {
  private shown = false;

  constructor(
    private readonly stdout: NodeJS.WritableStream,
    private readonly stderr: NodeJS.WritableStream,
    private readonly options: {
      readonly json: boolean;
      /** Only samples at which level or action changed, and what happened. */
      readonly quiet: boolean;
      readonly chalk: ChalkInstance;
    },
  ) {}

  show(step: WatchStep): void {
    const { json, quiet, chalk } = this.options;
    const now = new Date();
    for (const happening of step.happenings) this.tell(happening);
    if (quiet && !step.state.changed && (this.shown || step.state.level === "normal")) return;
    this.shown = true;
    this.stdout.write(json ? watchJson(step, now) : watchLine(step, now, chalk));
  }

  tell(happening: Happening): void {
    this.stderr.write(happeningLine(happening, new Date()));
  }

  close(): void {}
}
