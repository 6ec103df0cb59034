import { Command } from "commander";
import { UsageError } from "../errors.js";
import type { ForecastModel, PressurePolicy } from "../native/pressure.js";
import { readWatchConfig, type WatchConfig } from "../pressure/live/watch-config.js";
import { type OutputFormat, outputFormatOf } from "../trace/output.js";
import { parseBytes, parseDuration } from "../units.js";
import { addPressureOptions, type PressureFlags, policyOf } from "./pressure-options.js";
import { parsedBy } from "./trace-options.js";

interface WatchFlags extends PressureFlags {
  readonly pid?: number;
  readonly cgroup?: string;
  readonly system?: boolean;
  readonly limit?: number;
  readonly interval?: number;
  readonly for?: number;
  readonly record?: string;
  readonly force?: boolean;
  readonly prometheus?: string;
  readonly onAction?: string;
  readonly actionTimeout?: number;
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  readonly tui: boolean;
  readonly quiet?: boolean;
}

export type WatchTarget =
  | { readonly kind: "system" }
  | { readonly kind: "pid"; readonly pid: number }
  | { readonly kind: "cgroup"; readonly path: string };

export interface Endpoint {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

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

const EXAMPLES = `
Examples:
  $ rustydb-mem watch
  $ rustydb-mem watch --pid $(pidof redis-server) --limit 8GiB
  $ rustydb-mem watch --cgroup system.slice/postgresql.service --record incident.rmt.gz
  $ rustydb-mem watch --pid 4711 --on-action 'logger "$RUSTYDB_MEM_LEVEL: $RUSTYDB_MEM_ACTION"' --dry-run
  $ rustydb-mem watch --prometheus :9464 --no-tui -q
  $ rustydb-mem watch --for 10m --json > samples.jsonl

What counts as used is what no reclaim of page cache gives back: of the system MemTotal − MemAvailable, of a process its
resident anonymous and shared memory (without its children), of a cgroup anonymous and shared memory, unreclaimable slab,
kernel stacks and page tables. The limit is --limit, or else the tightest of the cgroups around it and MemTotal.

The program of --on-action is run at each change of the action, also when it goes back to none, with RUSTYDB_MEM_ACTION,
_LEVEL, _USED, _LIMIT, _PID, _CGROUP and more in its environment; docs/watch.md tells of them, and of the keys of [watch].
Ctrl-C (or q) ends a watch; what was recorded is completed then.`;

const DEFAULT_INTERVAL_NS = 1e9;
const SHORTEST_INTERVAL_NS = 10e6;
const LONGEST_INTERVAL_NS = 86_400e9;
const DEFAULT_TIMEOUT_NS = 60e9;

function pid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError("bad-number", `"${text}" is no number of a process`, {
    remedy: "pidof NAME finds one.",
  });
}

function endpoint(text: string): Endpoint {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError("bad-endpoint", `"${text}" is no address to listen at`, {
      remedy: "Write it like :9464, 0.0.0.0:9464 or [::1]:9464.",
    });
  }
  return { host: match[1] || match[2] || "127.0.0.1", port };
}

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

const duration = parsedBy((text) => Math.round(parseDuration(text)));

export function watchOptions(): Command {
  const bare = new Command("watch")
    .usage("[options]")
    .summary("the early warning of memory pressure, live")
    .description(
      "Watch memory, forecast it, and warn before it runs out: of the system, a process or a cgroup.",
    )
    .option("--system", "the memory of the machine (the default)")
    .option("--pid <n>", "one process", parsedBy(pid))
    .option("--cgroup <path>", "a cgroup with all below it: its folder, or its path in the hierarchy")
    .option(
      "--limit <size>",
      "what may be used, e.g. 8GiB, in the place of what the kernel says",
      parsedBy(parseBytes),
    )
    .option("--interval <time>", "between samples (default: 1s)", duration)
    .option("--for <time>", "end after so long, e.g. 10m", duration);
  return addPressureOptions(bare)
    .option("--record <file>", "record the samples: .rmt, .rmt.gz, .csv, …; forecast reads it")
    .option("-f, --force", "replace a recording that is there")
    .option(
      "--prometheus <address>",
      "serve metrics at [host]:port, e.g. :9464; to this machine only unless a host is named",
      parsedBy((text) => {
        endpoint(text);
        return text;
      }),
    )
    .option("--on-action <cmd>", "a program (sh -c) to run whenever the action changes")
    .option("--action-timeout <time>", "stop the program after so long (default: 60s)", duration)
    .option("--dry-run", "say what --on-action would run, and run nothing")
    .option("--config <file>", "read the section [watch] of a TOML file; the command line beats it")
    .option("--json", "a line of JSON a sample on standard output, nothing else")
    .option("--no-tui", "lines in the place of the live view")
    .option("-q, --quiet", "only changes of level or action")
    .addHelpText("after", EXAMPLES);
}

export type { WatchFlags };
