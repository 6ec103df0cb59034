import type { HorizonForecast, PressureLevel, PressureState } from "../../native/pressure.js";
import { formatBytes, formatDuration, formatPercent } from "../../units.js";

/** States of the forecaster in words, for lines and for the live view. */

/** Backgrounds, with the text colour told too: yellow letters are unreadable on white. */
export const LEVEL_COLOURS: Readonly<
  Record<
    PressureLevel,
    { background: "green" | "yellow" | "magenta" | "red"; text: "black" | "white" } | null
  >
> = {
  normal: null,
  warning: { background: "yellow", text: "black" },
  high: { background: "magenta", text: "white" },
  critical: { background: "red", text: "white" },
  emergency: { background: "red", text: "white" },
};

export function rateText(bytesPerS: number): string {
  return `${bytesPerS < 0 ? "−" : "+"}${formatBytes(Math.abs(bytesPerS))}/s`;
}

/** In whole seconds: a forecast is no finer. */
const wholeSeconds = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} s` : formatDuration(seconds * 1e9);

/** `40 s–9m 0s`, `from 4m 10s on`, `now`, `–`. */
export function timeToCriticalText({ timeToCritical }: PressureState): string {
  if (timeToCritical === null) return "–";
  const { earliestS, latestS } = timeToCritical;
  if (latestS !== null && latestS <= 0) return "now";
  const from = earliestS <= 0 ? "now" : wholeSeconds(earliestS);
  if (latestS === null) return `from ${from} on`;
  const to = wholeSeconds(latestS);
  return from === to ? from : `${from}–${to}`;
}

/** Why the level is what it is: `usage 82 % ≥ 80 %`. Empty where normal. */
export function reasonText({ reason }: PressureState): string {
  if (reason === null) return "";
  const value = formatPercent(reason.value);
  const threshold = formatPercent(reason.threshold);
  switch (reason.kind) {
    case "usage":
      return `usage ${value} ≥ ${threshold}`;
    case "chance":
      return `chance of reaching the limit ${value} ≥ ${threshold}`;
    case "held":
      return `held: usage ${value}, and it was over ${threshold}`;
  }
}

/** What the forecasts of this horizon are worth: `skill 0.12`, or that they are worth nothing. */
export function skillText({ skill }: HorizonForecast): string {
  if (skill === null) return "skill not known yet";
  return skill <= 0 ? "no better than no change" : `skill ${skill.toFixed(2)}`;
}

/** `6.30 GiB [6.20 GiB, 6.50 GiB]` */
export function forecastText({ usedBytes, lowBytes, highBytes }: HorizonForecast): string {
  return `${formatBytes(usedBytes)} [${formatBytes(lowBytes)}, ${formatBytes(highBytes)}]`;
}
