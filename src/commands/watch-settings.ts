import { UsageError } from "../errors.js";
import type { ForecastModel, PressurePolicy } from "../native/pressure.js";
import { readWatchConfig, type WatchConfig } from "../pressure/live/watch-config.js";
import { type OutputFormat, outputFormatOf } from "../trace/output.js";
import { policyOf } from "./pressure-options.js";
import { type Endpoint, endpoint, type WatchFlags } from "./watch-options.js";

export type WatchTarget =
  | { readonly kind: "system" }
  | { readonly kind: "pid"; readonly pid: number }
  | { readonly kind: "cgroup"; readonly path: string };

/** Command line and configuration file in one. */
export interface WatchSettings {
  readonly target: WatchTarget;
  readonly limitBytes: number | undefined;
  readonly intervalNs: number;
  readonly forNs: number | undefined;
  readonly model: ForecastModel;
  readonly policy: PressurePolicy;
  readonly record:
    | { readonly path: string; readonly format: OutputFormat; readonly force: boolean }
    | undefined;
  readonly prometheus: Endpoint | undefined;
  readonly onAction: string | undefined;
  readonly actionTimeoutMs: number;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly tui: boolean;
  readonly quiet: boolean;
}

const DEFAULT_INTERVAL_NS = 1e9;

const SHORTEST_INTERVAL_NS = 10e6;

const LONGEST_INTERVAL_NS = 86_400e9;

const DEFAULT_TIMEOUT_NS = 60e9;

/** What is packed with zst not every Node can write, and that should not show when the watch ends. */
function recordingFormat(path: string): OutputFormat {
  const format = outputFormatOf(path);
  if (!format.endsWith(".zst")) return format;
  throw new UsageError("unknown-output", `a watch does not record into .zst: ${path}`, {
    remedy: "End it with .rmt, .rmt.gz, .csv or .csv.gz; convert packs it with zst.",
  });
}

function targetOf(flags: WatchFlags, config: WatchConfig | undefined): WatchTarget {
  const said = (of: {
    pid?: number | undefined;
    cgroup?: string | undefined;
    system?: boolean | undefined;
  }) => [
    ...(of.pid === undefined ? [] : [{ kind: "pid", pid: of.pid } as const]),
    ...(of.cgroup === undefined ? [] : [{ kind: "cgroup", path: of.cgroup } as const]),
    ...(of.system === true ? [{ kind: "system" } as const] : []),
  ];
  const onLine = said(flags);
  const all: WatchTarget[] = onLine.length > 0 || config === undefined ? onLine : said(config);
  if (all.length > 1) {
    const names = all.map(({ kind }) => (onLine.length > 0 ? `--${kind}` : kind)).join(" and ");
    throw new UsageError("usage", `${names} exclude each other`, {
      remedy: "A watch is of one source; start one for each.",
    });
  }
  return all[0] ?? { kind: "system" };
}

function checkInterval(ns: number): number {
  if (ns >= SHORTEST_INTERVAL_NS && ns <= LONGEST_INTERVAL_NS) return ns;
  throw new UsageError("bad-interval", "the interval must be between 10ms and 1d", {
    remedy: "1s is usual.",
  });
}

/** The command line beats the file. Throws UserError. */
export function watchSettings(flags: WatchFlags): WatchSettings {
  const config = flags.config === undefined ? undefined : readWatchConfig(flags.config);
  const target = targetOf(flags, config);
  const limitBytes = flags.limit ?? config?.limit;
  if (limitBytes === 0) throw new UsageError("bad-limit", "a limit of 0 leaves no memory to watch");
  const path = flags.record ?? config?.record;
  const onAction = flags.onAction ?? config?.onAction;
  const dryRun = flags.dryRun ?? config?.dryRun ?? false;
  if (dryRun && onAction === undefined) {
    throw new UsageError("usage", "--dry-run needs the program that it does not run", {
      remedy: "Add --on-action CMD.",
    });
  }
  const prometheus = flags.prometheus ?? config?.prometheus;
  const forNs = flags.for;
  if (forNs === 0) throw new UsageError("bad-duration", "--for 0 leaves no time to watch");
  return {
    target,
    limitBytes,
    intervalNs: checkInterval(flags.interval ?? config?.intervalNs ?? DEFAULT_INTERVAL_NS),
    forNs,
    model: flags.model ?? config?.model ?? "adaptive",
    policy: policyOf(flags, config?.policy),
    record:
      path === undefined ? undefined : { path, format: recordingFormat(path), force: flags.force === true },
    prometheus: prometheus === undefined ? undefined : endpoint(prometheus),
    onAction,
    actionTimeoutMs: (flags.actionTimeout ?? config?.actionTimeoutNs ?? DEFAULT_TIMEOUT_NS) / 1e6,
    dryRun,
    json: flags.json === true,
    tui: flags.tui,
    quiet: flags.quiet === true,
  };
}
