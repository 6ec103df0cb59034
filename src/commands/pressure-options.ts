import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { FORECAST_MODELS, type ForecastModel, type PressurePolicy } from "../native/pressure.js";
import { parseDuration, parsePercent } from "../units.js";
import { parsedBy } from "./trace-options.js";

/** What every command with the early warning in it understands. */
export interface PressureFlags {
  readonly model?: ForecastModel;
  readonly thresholds?: number[];
  readonly chances?: number[];
  /** Nanoseconds. */
  readonly ahead?: number;
  readonly leastChance?: number;
  readonly falseAlarms?: number;
  readonly predictive: boolean;
}

/** `70,80,90,95` → shares. */
function levelShares(text: string): number[] {
  const percents = text.split(",").map((word) => Number(word.trim().replace(/%$/, "") || Number.NaN));
  const rising = percents.every((each, index) => each > (percents[index - 1] ?? 0) && each <= 100);
  if (percents.length === 4 && rising) return percents.map((each) => each / 100);
  throw new UsageError("bad-thresholds", `"${text}" are not four rising percentages up to 100`, {
    remedy: "Write them like 70,80,90,95: for warning, high, critical and emergency.",
  });
}

/** `0.1/h`, `0.1`. */
function perHour(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/h)?$/.exec(text.trim());
  const rate = match === null ? 0 : Number(match[1]);
  if (rate > 0) return rate;
  throw new UsageError("bad-number", `"${text}" is no rate of false alarms`, {
    remedy: "Write it like 0.1/h.",
  });
}

function chance(text: string): number {
  const share = parsePercent(text);
  if (share <= 1) return share;
  throw new UsageError("bad-percent", `"${text}" is no chance`, { remedy: "Write it like 10%." });
}

export function addPressureOptions(command: Command): Command {
  return command
    .addOption(new Option("--model <name>", "what forecasts (default: adaptive)").choices(FORECAST_MODELS))
    .option(
      "--thresholds <list>",
      "usage in percent at which warning, high, critical and emergency begin (default: 70,80,90,95)",
      parsedBy(levelShares),
    )
    .option(
      "--chances <list>",
      "chance in percent of reaching the limit from which each level is due before its usage is (default: 20,40,50,95)",
      parsedBy(levelShares),
    )
    .option(
      "--ahead <time>",
      "how far ahead that chance looks: 30s, 60s or 120s (default: 60s)",
      parsedBy((text) => parseDuration(text)),
    )
    .option(
      "--least-chance <percent>",
      "chance from which high and critical are due by usage; 0%: by usage alone (default: 10%)",
      parsedBy(chance),
    )
    .option(
      "--false-alarms <rate>",
      "let thresholds move by up to 10 points to hold so many false alarms, e.g. 0.1/h",
      parsedBy(perHour),
    )
    .option("--no-predictive", "levels by usage alone, as static alarms have them");
}

/** What forecasts are of, in seconds. */
const HORIZONS_S = [30, 60, 120];

/** What the flags say, over what a file says; the rest is left to the defaults. Throws UsageError. */
export function policyOf(flags: PressureFlags, file: PressurePolicy = {}): PressurePolicy {
  const policy: PressurePolicy = {
    ...file,
    ...(flags.thresholds && { thresholds: flags.thresholds }),
    ...(flags.chances && { chances: flags.chances }),
    ...(flags.ahead !== undefined && { aheadS: flags.ahead / 1e9 }),
    ...(flags.leastChance !== undefined && { leastChance: flags.leastChance }),
    ...(flags.falseAlarms !== undefined && { falseAlarmsPerHour: flags.falseAlarms }),
    ...(!flags.predictive && { predictive: false }),
  };
  if (policy.aheadS !== undefined && !HORIZONS_S.includes(policy.aheadS)) {
    throw new UsageError("bad-duration", `a policy cannot look ${policy.aheadS} s ahead`, {
      remedy: "Forecasts are of 30, 60 and 120 s.",
    });
  }
  return policy;
}
