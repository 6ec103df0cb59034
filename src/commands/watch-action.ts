import { Chalk } from "chalk";
import { Interrupted, UserError } from "../errors.js";
import { PRESSURE_LEVELS, type PressureForecaster, type PressureLevel } from "../native/pressure.js";
import { native } from "../native.js";
import { type ActionReport, ActionRunner } from "../pressure/live/actions.js";
import { CgroupSource } from "../pressure/live/cgroup-source.js";
import { SampleClock } from "../pressure/live/clock.js";
import { Journal } from "../pressure/live/journal.js";
import { KernelFiles } from "../pressure/live/kernel-files.js";
import { ProcessSource } from "../pressure/live/process-source.js";
import type { PressureSource } from "../pressure/live/source.js";
import { SystemSource } from "../pressure/live/system-source.js";
import { type Happening, Watcher, type WatchStep, type WatchView } from "../pressure/live/watcher.js";
import { LineView, totalsText, type WatchTotals } from "../report/watch-lines.js";
import { type WatchMetrics, watchMetrics } from "../report/watch-metrics.js";
import { formatBytes, formatDuration } from "../units.js";
import type { CommandContext } from "./context.js";
import { type MetricsServer, serveMetrics } from "./metrics-server.js";
import type { WatchFlags } from "./watch-options.js";
import { type WatchSettings, type WatchTarget, watchSettings } from "./watch-settings.js";

function sourceOf(target: WatchTarget, files: KernelFiles): PressureSource {
  switch (target.kind) {
    case "system":
      return new SystemSource(files);
    case "pid":
      return new ProcessSource(files, target.pid);
    case "cgroup":
      return new CgroupSource(files, target.path);
  }
}

function makeForecaster({ model, policy }: WatchSettings): PressureForecaster {
  const { PressureForecaster } = native();
  if (PressureForecaster === undefined) {
    throw new UserError(
      "addon-unusable",
      "the native part of rustydb-mem is older than this and has no forecaster",
      {
        remedy: "Build it anew: npm run build:native.",
      },
    );
  }
  return new PressureForecaster({ model, policy });
}

/** Sleeps; true: until the end of it. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve(true);
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** A watch from its first sample to its last. */
class Watch {
  private samples = 0;
  private missed = 0;
  private lastTimeNs = 0;
  private peakBytes = 0;
  private peakShare: number | null = null;
  private highestLevel: PressureLevel = "normal";
  private readonly watcher: Watcher;
  private readonly actions: ActionRunner | undefined;

  constructor(
    source: PressureSource,
    private readonly settings: WatchSettings,
    private readonly signal: AbortSignal,
    private readonly view: WatchView,
    private readonly journal: Journal | undefined,
    private readonly metrics: WatchMetrics | undefined,
    clock: SampleClock,
  ) {
    this.watcher = new Watcher(source, makeForecaster(settings), clock, settings.limitBytes);
    const { onAction, dryRun, actionTimeoutMs } = settings;
    if (onAction !== undefined) {
      const options = { command: onAction, dryRun, timeoutMs: actionTimeoutMs };
      this.actions = new ActionRunner(options, source, (report) => this.reported(report));
    }
  }

  /** Until the time is over, the source has ended (says how) or the user wants no more. */
  async run(): Promise<string | undefined> {
    const everyMs = this.settings.intervalNs / 1e6;
    const forMs = (this.settings.forNs ?? Number.POSITIVE_INFINITY) / 1e6;
    const sinceMs = performance.now();
    for (let tick = 0; ; ) {
      const seen = this.watcher.look();
      if ("ended" in seen) return seen.ended;
      if ("missed" in seen) {
        this.missed += 1;
        this.metrics?.missed();
        this.view.tell(seen.missed);
      } else {
        this.take(seen);
      }
      // On a grid, so that lateness does not add up; what was slept through is not made up for.
      const elapsedMs = performance.now() - sinceMs;
      tick = Math.max(tick + 1, Math.ceil(elapsedMs / everyMs));
      const untilMs = Math.min(tick * everyMs, forMs);
      if (!(await pause(untilMs - elapsedMs, this.signal))) return undefined;
      if (tick * everyMs > forMs) return undefined;
    }
  }

  /** When what is still at work for an action has ended. */
  async settle(): Promise<void> {
    if (this.actions?.busy) {
      this.view.tell({
        timeNs: this.lastTimeNs,
        kind: "action",
        text: "waiting for the program of an action",
      });
    }
    await this.actions?.settled();
  }

  totals(): WatchTotals {
    const { samples, missed, lastTimeNs, peakBytes, peakShare, highestLevel } = this;
    return { samples, missed, lastTimeNs, peakBytes, peakShare, highestLevel };
  }

  private take(step: WatchStep): void {
    const { sample, state } = step;
    this.samples += 1;
    this.lastTimeNs = sample.timeNs;
    this.peakBytes = Math.max(this.peakBytes, sample.usedBytes);
    if (state.limitBytes !== null) {
      this.peakShare = Math.max(this.peakShare ?? 0, sample.usedBytes / state.limitBytes);
    }
    if (PRESSURE_LEVELS.indexOf(state.level) > PRESSURE_LEVELS.indexOf(this.highestLevel)) {
      this.highestLevel = state.level;
    }
    if (this.journal !== undefined && this.journal.failure === undefined && !this.journal.append(sample)) {
      const text = `recording stopped: ${this.journal.failure ?? ""}`;
      this.view.tell({ timeNs: sample.timeNs, kind: "unreadable", text });
    }
    this.metrics?.step(step);
    this.view.show(step);
    this.actions?.observe(state);
  }

  private reported(report: ActionReport): void {
    this.metrics?.action(report);
    const happening: Happening = { timeNs: this.lastTimeNs, kind: "action", text: report.text };
    this.view.tell(happening);
  }
}

async function openView(title: string, settings: WatchSettings, context: CommandContext): Promise<WatchView> {
  const { stdin, stdout, stderr, interactive } = context;
  if (settings.tui && !settings.json && !settings.quiet && interactive && stdin.isTTY === true) {
    const { openWatchView } = await import("../tui/watchView.js");
    return openWatchView({
      stdin,
      stdout,
      title,
      model: settings.model,
      intervalNs: settings.intervalNs,
      onQuit: context.interrupt,
    });
  }
  return new LineView(stdout, stderr, { json: settings.json, quiet: settings.quiet, chalk: new Chalk() });
}

export async function watch(flags: WatchFlags, context: CommandContext): Promise<void> {
  const settings = watchSettings(flags);
  const { signal, stderr } = context;
  const say = (text: string): void => {
    if (!settings.quiet) stderr.write(`${text}\n`);
  };
  const files = new KernelFiles();
  const source = sourceOf(settings.target, files);
  makeForecaster(settings); // what is wrong with the policy is found out now
  const { record, limitBytes } = settings;
  const total = files.meminfo().totalBytes;
  const limitIs = limitBytes === undefined ? source.limitIs : formatBytes(limitBytes);
  say(`watching ${source.name}; used: ${source.usedIs}; limit: ${limitIs}`);
  if (limitBytes !== undefined && limitBytes > total) {
    say(`warning: this machine has ${formatBytes(total)}, less than the limit`);
  }
  const journal = record && new Journal(record.path, record.format, record.force);
  // Whatever ends the process before the trace is made: a closed pipe, the second Ctrl-C, an output that cannot be written.
  const sayWhereItIs = (): void => {
    if (journal === undefined || journal.samples === 0) return;
    stderr.write(
      `what was recorded is in ${journal.path}\n  rustydb-mem convert ${journal.path} ${journal.tracePath} completes it.\n`,
    );
  };
  process.on("exit", sayWhereItIs);
  let server: MetricsServer | undefined;
  let view: WatchView | undefined;
  let running: Watch;
  let ended: string | undefined;
  let failure: unknown;
  try {
    const metrics =
      settings.prometheus &&
      (await watchMetrics({ source: source.name, model: settings.model, version: context.version }));
    if (metrics !== undefined && settings.prometheus !== undefined) {
      server = await serveMetrics(metrics, settings.prometheus, source.name);
      say(`metrics: ${server.url}`);
    }
    view = await openView(`${source.name}, limit: ${limitIs}`, settings, context);
    running = new Watch(source, settings, signal, view, journal, metrics, new SampleClock(files));
    try {
      ended = await running.run();
    } catch (error) {
      failure = error; // what was recorded before is completed all the same
    }
    await running.settle();
  } catch (error) {
    journal?.discard();
    throw error;
  } finally {
    view?.close();
    await server?.close();
  }
  const bytes = await journal?.finish();
  process.off("exit", sayWhereItIs);
  const totals = running.totals();
  say(`${ended === undefined ? "" : `${ended}: `}${totalsText(totals)}`);
  if (journal !== undefined && record !== undefined && bytes !== undefined && bytes > 0) {
    say(`recorded ${journal.samples} samples in ${record.path}, ${formatBytes(bytes)}`);
  }
  if (failure !== undefined) throw failure;
  if (journal?.failure !== undefined && record !== undefined) {
    throw new UserError("not-written", `${record.path} is not complete: ${journal.failure}`);
  }
  // Without --for a watch has no other end than the user's.
  if (signal.aborted && settings.forNs !== undefined) {
    throw new Interrupted(`interrupted before ${formatDuration(settings.forNs)} were over`);
  }
}
