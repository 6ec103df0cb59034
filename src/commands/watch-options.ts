import { Command } from "commander";
import { UsageError } from "../errors.js";
import { parseBytes, parseDuration } from "../units.js";
import { addPressureOptions, type PressureFlags } from "./pressure-options.js";
import { parsedBy } from "./trace-options.js";

export interface WatchFlags extends PressureFlags {
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

export interface Endpoint {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
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

function pid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError("bad-number", `"${text}" is no number of a process`, {
    remedy: "pidof NAME finds one.",
  });
}

export function endpoint(text: string): Endpoint {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError("bad-endpoint", `"${text}" is no address to listen at`, {
      remedy: "Write it like :9464, 0.0.0.0:9464 or [::1]:9464.",
    });
  }
  return { host: match[1] || match[2] || "127.0.0.1", port };
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
