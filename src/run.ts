import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { styleText } from "node:util";
import { Command, CommanderError, Option } from "commander";
import type { CommandContext } from "./commands/context.js";
import { Interrupted, UserError } from "./errors.js";
import { packageRoot } from "./native.js";

interface CommandEntry {
  readonly name: string;
  /** As the overview shows it: a command's own module is loaded only when it runs. */
  readonly usage: string;
  readonly summary: string;
  /** Called by scripts, and not shown. */
  readonly hidden?: boolean;
  readonly load: () => Promise<{ command(context: CommandContext): Command }>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "replay",
    usage: "<trace...>",
    summary: "replay traces through allocators, side by side",
    load: () => import("./commands/replay.js"),
  },
  {
    name: "bench",
    usage: "[suite...]",
    summary: "micro-benchmarks of allocators, and the claims",
    load: () => import("./commands/bench.js"),
  },
  {
    name: "record",
    usage: "-- <program> [args...]",
    summary: "take a trace of a real program",
    load: () => import("./commands/record.js"),
  },
  {
    name: "generate",
    usage: "<workload>",
    summary: "make a trace from a workload file",
    load: () => import("./commands/generate.js"),
  },
  {
    name: "inspect",
    usage: "<trace>",
    summary: "what is in a trace: sizes, lifetimes, threads, transactions",
    load: () => import("./commands/inspect.js"),
  },
  {
    name: "convert",
    usage: "<in> <out>",
    summary: "any known format to .rmt or CSV; cut, filter, anonymise",
    load: () => import("./commands/convert.js"),
  },
  {
    name: "forecast",
    usage: "<series...>",
    summary: "backtest the early warning on series of memory readings",
    load: () => import("./commands/forecast.js"),
  },
  {
    name: "watch",
    usage: "[options]",
    summary: "the early warning of memory pressure, live",
    load: () => import("./commands/watch.js"),
  },
  {
    name: "diff",
    usage: "<a> <b>",
    summary: "what the second trace allocates that the first did not",
    load: () => import("./commands/diff.js"),
  },
  {
    name: "report",
    usage: "<result.json...>",
    summary: "saved results again, or side by side",
    load: () => import("./commands/report.js"),
  },
  {
    name: "config",
    usage: "<check|show|defaults|schema> [file]",
    summary: "check or show a configuration of the heap; defaults for options",
    load: () => import("./commands/config.js"),
  },
  {
    name: "completion",
    usage: "<bash|zsh|fish>",
    summary: "a script that completes commands in bash, zsh or fish",
    load: () => import("./commands/completion.js"),
  },
  {
    name: "complete",
    usage: "[words...]",
    summary: "",
    hidden: true,
    load: () => import("./commands/complete.js"),
  },
  {
    name: "man",
    usage: "",
    summary: "",
    hidden: true,
    load: () => import("./commands/man.js"),
  },
  {
    name: "doctor",
    usage: "",
    summary: "is this machine fit to measure? which peers are installed?",
    load: () => import("./commands/doctor.js"),
  },
];

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const EXAMPLES = `
Examples:
  $ rustydb-mem doctor
  $ rustydb-mem inspect trace.rmt.gz
  $ rustydb-mem replay trace.rmt.gz
  $ rustydb-mem replay trace.zip -a rustydb,malloc,jemalloc,arena@jemalloc --rounds 20

Exit codes: 0 done, 1 could not (usage, bad input, a run that failed), 130 interrupted.
Environment: NO_COLOR, CI and TERM=dumb turn colours and the live view off.
Files: rustydb-mem.toml here or above, or ~/.config/rustydb-mem/config.toml, has defaults for options.

rustydb-mem <command> --help tells more about a command.`;

/** What stands below the help of each command. */
const exitCodes = (name: string): string =>
  name === "record"
    ? "\nExit code: that of the program; 1 where it could not be recorded."
    : "\nExit codes: 0 done, 1 could not, 130 interrupted.";

const fromFile = (name: string): string =>
  `Defaults of options: [${name}] in rustydb-mem.toml; rustydb-mem config defaults tells what it gives.`;

function readVersion(): string {
  return (JSON.parse(readFileSync(`${packageRoot}package.json`, "utf8")) as { version: string }).version;
}

function colourOption(): Option {
  return new Option("--color <when>", "colours: where a terminal takes them, always or never")
    .choices(["auto", "always", "never"])
    .default("auto");
}

/**
 * Decides about colours before anything that makes them is loaded: chalk reads FORCE_COLOR once. NO_COLOR, CI and
 * TERM=dumb count, which it would not ask about.
 */
function decideColours(words: readonly string[], environment: NodeJS.ProcessEnv, terminal: boolean): boolean {
  const at = words.findIndex((word) => word === "--color" || word.startsWith("--color="));
  const when =
    at < 0 ? "auto" : words[at] === "--color" ? words[at + 1] : words[at]?.slice("--color=".length);
  const wished = when === "always" || (when !== "never" && terminal && !environment.NO_COLOR);
  if (!wished) environment.FORCE_COLOR = "0";
  else if (when === "always") environment.FORCE_COLOR ??= "1";
  return wished;
}

function configOption(): Option {
  return new Option("--config <file>", "defaults for options (default: rustydb-mem.toml here or above)");
}

/** A command with what every command has. */
async function loaded(entry: CommandEntry, context: CommandContext): Promise<Command> {
  const command = (await entry.load()).command(context).addOption(colourOption()).exitOverride();
  // The one of watch names a file with its own section, and has been there longer.
  if (!command.options.some(({ long }) => long === "--config")) command.addOption(configOption());
  const file = WITHOUT_FILE.includes(entry.name) ? "" : `\n${fromFile(entry.name)}`;
  return command.addHelpText("after", `${exitCodes(entry.name)}${file}`);
}

/** What a command takes from rustydb-mem.toml, once the words are read and before it begins. */
async function applyFile(program: Command, command: Command): Promise<void> {
  const named = (command.getOptionValue("config") ?? program.getOptionValue("config")) as string | undefined;
  const { findOptionsFile, readOptionsFile } = await import("./commands/config-file.js");
  const path = named ?? findOptionsFile(process.cwd(), process.env);
  if (path === undefined) return;
  const file = readOptionsFile(path, named === undefined);
  if (command.name() === "watch") {
    if (file.tables.watch !== undefined) command.setOptionValueWithSource("config", path, "config");
    return;
  }
  const { applyDefaults, checkTables } = await import("./commands/option-defaults.js");
  checkTables(
    file,
    COMMANDS.filter(({ hidden }) => !hidden).map(({ name }) => name),
  );
  applyDefaults(command, file);
}

/** Commands that read no defaults, so that a broken file does not keep anybody from repairing it. */
const WITHOUT_FILE = ["config", "completion", "complete", "man"];

/** The command that the words name, loaded; of the others the outline, for the overview and for suggestions. */
async function buildProgram(base: Omit<CommandContext, "commands">): Promise<Command> {
  const context: CommandContext = {
    ...base,
    commands: COMMANDS.filter(({ hidden }) => !hidden).map((entry) => ({
      name: entry.name,
      summary: entry.summary,
      load: () => loaded(entry, context),
    })),
  };
  const program = new Command("rustydb-mem")
    .description("Replay database allocation traces through allocators, and measure them against malloc.")
    .usage("<command> [options]")
    .version(context.version, "-V, --version")
    .addOption(colourOption())
    .addOption(configOption())
    .addHelpText("after", EXAMPLES)
    .enablePositionalOptions() // what stands behind record's program is the program's own
    .configureHelp({ subcommandTerm: (each) => `${each.name()} ${each.usage()}`.trim() })
    .exitOverride();
  const wanted = context.words.find((word) => COMMANDS.some((entry) => entry.name === word));
  for (const entry of COMMANDS) {
    const command =
      entry.name === wanted
        ? await loaded(entry, context)
        : new Command(entry.name).usage(entry.usage).summary(entry.summary);
    if (entry.name === wanted && !WITHOUT_FILE.includes(wanted)) {
      command.hook("preAction", () => applyFile(program, command));
    }
    program.addCommand(command, { hidden: entry.hidden === true });
  }
  return program;
}

/** One or two lines for what a user can cause; the stack for what only we can. */
function describe(error: unknown, coloured: boolean): string {
  const heading = coloured ? styleText("red", "error:") : "error:";
  if (error instanceof UserError) {
    const place = error.place();
    const where = place === "" || error.message.includes(place) ? "" : `${place}: `;
    return `${heading} ${where}${error.message}\n${error.remedy === undefined ? "" : `  ${error.remedy}\n`}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${heading} unexpected, a defect of rustydb-mem: please report it with these lines\n${stack}\n`;
}

/** The whole of a run: argv → command → exit code. */
export async function run(process: NodeJS.Process): Promise<void> {
  const { stdout, stderr, stdin, env } = process;
  const words = process.argv.slice(2);
  const terminal = stdout.isTTY === true && !env.CI && env.TERM !== "dumb";
  const coloured = decideColours(words, env, terminal) && stderr.isTTY === true;

  // Whoever closed the pipe has seen enough; exiting stops the children and removes what is temporary.
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      if (stream === stdout) stderr.write(`error: standard output could not be written: ${error.message}\n`);
      process.exit(EXIT_FAILED);
    });
  }

  const abort = new AbortController();
  // Each process that is up listens to it, and a benchmark has one for each allocator.
  setMaxListeners(0, abort.signal);
  const interrupt = (): void => {
    // The second time the user means it.
    if (abort.signal.aborted) process.exit(EXIT_INTERRUPTED);
    abort.abort();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt).on("SIGHUP", interrupt);

  try {
    const version = readVersion();
    const { signal } = abort;
    const setExitCode = (code: number): void => {
      process.exitCode = code;
    };
    const streams = { stdin, stdout, stderr };
    const context = { signal, interrupt, setExitCode, ...streams, words, version, interactive: terminal };
    const program = await buildProgram(context);
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode; // Commander has said it already.
    } else if (error instanceof Interrupted || abort.signal.aborted) {
      stderr.write(`${error instanceof Interrupted ? error.message : "interrupted"}\n`);
      process.exitCode = EXIT_INTERRUPTED;
    } else {
      stderr.write(describe(error, coloured));
      process.exitCode = EXIT_FAILED;
    }
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt).off("SIGHUP", interrupt);
  }
}
