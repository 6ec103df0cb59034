import type { Gauge, Registry } from "prom-client";
import { PRESSURE_ACTIONS, PRESSURE_LEVELS, type PressureState } from "../native/pressure.js";
import type { ActionReport } from "../pressure/live/actions.js";
import type { WatchStep } from "../pressure/live/watcher.js";

/** What a watch is of, for `rustydb_mem_watch_info`. */
export interface WatchInfo {
  readonly source: string;
  readonly model: string;
  readonly version: string;
}

export interface WatchMetrics {
  step(step: WatchStep): void;
  missed(): void;
  action(report: ActionReport): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/**
 * A watch as Prometheus metrics, by its naming rules: base units, `_total` where it counts. What is not known has no series;
 * a time to critical that is not in sight is +Inf, so that `< 300` needs no second condition.
 */
export async function watchMetrics(info: WatchInfo): Promise<WatchMetrics> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry: Registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => {
    const made = new Gauge({ name, help, registers });
    made.remove(); // it begins as a 0 otherwise
    return made;
  };
  const labelled = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers });

  labelled(
    "rustydb_mem_watch_info",
    "What is watched, and by which model.",
    "source",
    "model",
    "version",
  ).set({ ...info }, 1);
  const used = gauge("rustydb_mem_used_bytes", "Memory in use that no reclaim of page cache gives back.");
  const limit = gauge("rustydb_mem_limit_bytes", "Memory that may be used.");
  const swap = gauge("rustydb_mem_swap_used_bytes", "Swap in use.");
  const psi = gauge(
    "rustydb_mem_pressure_stall_ratio",
    "Share of the last 10 s in which some task waited for memory.",
  );
  const slope = gauge("rustydb_mem_used_slope_bytes_per_second", "Change of the usage over the last minute.");
  const ofHorizon = (name: string, help: string) => labelled(name, help, "horizon_seconds");
  // Three names, and no label "quantile": that is a summary's own.
  const forecast = ofHorizon("rustydb_mem_forecast_bytes", "Usage that is forecast.");
  const low = ofHorizon("rustydb_mem_forecast_low_bytes", "Lower end of the 90 % interval of the forecast.");
  const high = ofHorizon(
    "rustydb_mem_forecast_high_bytes",
    "Upper end of the 90 % interval of the forecast.",
  );
  const highest = ofHorizon(
    "rustydb_mem_forecast_highest_bytes",
    "Highest usage on the way to the horizon, 95 % quantile.",
  );
  const crossing = ofHorizon(
    "rustydb_mem_limit_crossing_probability",
    "Chance that usage reaches the limit before the horizon.",
  );
  const skill = ofHorizon(
    "rustydb_mem_forecast_skill",
    "1 - the mean absolute error over that of no change, lately; at or below 0: no better.",
  );
  const confidence = gauge(
    "rustydb_mem_forecast_confidence",
    "Chance that the forecast of 60 s is off by less than one hundredth of the limit.",
  );
  const critical = labelled(
    "rustydb_mem_time_to_critical_seconds",
    "Time until usage reaches the critical threshold; +Inf where it is not heading there.",
    "bound",
  );
  const level = gauge(
    "rustydb_mem_pressure_level",
    `Level of the alarm: ${PRESSURE_LEVELS.map((name, index) => `${index} ${name}`).join(", ")}.`,
  );
  const threshold = labelled(
    "rustydb_mem_threshold_ratio",
    "Share of the limit at which a level begins.",
    "level",
  );
  const samples = new Counter({ name: "rustydb_mem_samples_total", help: "Samples taken.", registers });
  const missed = new Counter({
    name: "rustydb_mem_missed_samples_total",
    help: "Samples that could not be read.",
    registers,
  });
  const kills = new Counter({
    name: "rustydb_mem_oom_kills_total",
    help: "Processes that the kernel killed for memory since the watch began; of a single process not known.",
    registers,
  });
  const actions = new Counter({
    name: "rustydb_mem_actions_total",
    help: "Times that an action became due.",
    labelNames: ["action"],
    registers,
  });
  const failures = new Counter({
    name: "rustydb_mem_action_failures_total",
    help: "Programs of an action that failed, or were not run because one was still at work.",
    labelNames: ["action"],
    registers,
  });
  for (const action of PRESSURE_ACTIONS) {
    actions.inc({ action }, 0);
    failures.inc({ action }, 0);
  }
  let lastAction: PressureState["action"] = "none";

  const setOrRemove = (of: Gauge, value: number | null): void => {
    if (value === null)
      of.remove(); // reset would leave a 0
    else of.set(value);
  };

  const horizons = (state: PressureState): void => {
    for (const each of [forecast, low, high, highest, crossing, skill]) each.reset();
    for (const each of state.horizons) {
      const horizon_seconds = String(each.horizonS);
      forecast.set({ horizon_seconds }, each.usedBytes);
      low.set({ horizon_seconds }, each.lowBytes);
      high.set({ horizon_seconds }, each.highBytes);
      highest.set({ horizon_seconds }, each.highestBytes);
      if (each.crossingChance !== null) crossing.set({ horizon_seconds }, each.crossingChance);
      if (each.skill !== null) skill.set({ horizon_seconds }, each.skill);
    }
  };

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    missed: () => missed.inc(),
    action: ({ action, outcome }) => {
      if (outcome === "failed" || outcome === "skipped") failures.inc({ action });
    },
    step({ sample, state, oomKills }) {
      samples.inc();
      kills.inc(oomKills);
      used.set(state.usedBytes);
      if (state.limitBytes !== null) limit.set(state.limitBytes);
      setOrRemove(swap, sample.swapBytes);
      setOrRemove(psi, sample.psiMillipercent === null ? null : sample.psiMillipercent / 100_000);
      slope.set(state.slopeBytesPerS);
      horizons(state);
      setOrRemove(confidence, state.confidence);
      critical.set({ bound: "earliest" }, state.timeToCritical?.earliestS ?? Number.POSITIVE_INFINITY);
      critical.set({ bound: "latest" }, state.timeToCritical?.latestS ?? Number.POSITIVE_INFINITY);
      level.set(PRESSURE_LEVELS.indexOf(state.level));
      for (const [index, share] of state.thresholds.entries()) {
        threshold.set({ level: PRESSURE_LEVELS[index + 1] ?? "" }, share);
      }
      if (state.action !== lastAction) actions.inc({ action: state.action });
      lastAction = state.action;
    },
  };
}
