import { existsSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { Chalk } from "chalk";
import { Command, Option } from "commander";
import { findProgram, type ProgramFacts, readProgram } from "../engine/elf-program.js";
import { exitCodeOf, type RecordOutcome, recordProgram } from "../engine/recorder.js";
import { sqliteMarkersWarning } from "../engine/sqlite-linkage.js";
import { Interrupted, UsageError, UserError } from "../errors.js";
import { recordingReport } from "../report/recording.js";
import { readKindMap } from "../trace/kinds.js";
import { kindsOfTrace, withUnmatched } from "../trace/kinds-of-trace.js";
import { type OutputFormat, outputFormatOf, TraceOutput } from "../trace/output.js";
import type { RecordedProcess, RecordedTrace, Recording } from "../trace/recording.js";
import { runTrace } from "../trace/source.js";
import { parseBytes, parseDuration } from "../units.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { hasLiveView, openProgramOutput, openRecordingView } from "./recording-progress.js";
import { parsedBy } from "./trace-options.js";

interface RecordFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly onFull: "wait" | "drop";
  readonly after?: number;
  readonly for?: number;
  readonly maxEvents?: number;
  readonly maxSize?: number;
  readonly sampleMemory?: number | true;
  readonly symbols?: string;
  readonly stacks?: number | true;
  readonly markers?: "sqlite";
  readonly kinds?: string;
  readonly exportJson?: string;
  readonly quiet?: boolean;
  readonly programOutput?: string;
  readonly tui: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem record -o sqlite.rmt.gz -- sqlite3 test.db < run.sql
  $ rustydb-mem record -o redis.rmt.gz --after 5s --for 30s -- redis-server --save ""
  $ rustydb-mem record -o server.rmt.gz --max-size 2GiB --sample-memory 100ms -- ./server
  $ rustydb-mem record -o sqlite.rmt.gz --markers sqlite -- sqlite3 test.db < run.sql
  $ rustydb-mem record -o app.rmt.gz --stacks --kinds map.yaml -- ./app
  $ rustydb-mem record -o app.rmt.gz --program-output app.log -- ./app
  $ rustydb-mem replay sqlite.rmt.gz

Children of the program are recorded too, a file each: out.rmt.gz, out.PID.rmt.gz, … What is left of the program's own
standard streams and its exit code is untouched. On a server without Node the library works alone:
  $ RUSTYDB_MEM_RECORD=raw.rmt LD_PRELOAD=librustydb_mem_record.so ./server`;

const DEFAULT_SAMPLE_NS = 100e6;
const DEFAULT_STACK_BYTES = 64 * 1024;

function positiveCount(text: string): number {
  const value = Number(text.replaceAll("_", "").replaceAll(",", ""));
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError("bad-number", `"${text}" is not a number of events`);
  }
  return value;
}

function stackDistance(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 1) return bytes;
  throw new UsageError("bad-number", "call stacks can't be 0 bytes apart", {
    remedy: "1 takes one at every allocation.",
  });
}

function prefix(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(text)) return text;
  throw new UsageError("bad-prefix", `"${text}" is not the beginning of a symbol`, {
    remedy: "Write it like je_ or mi_.",
  });
}

/** `out.rmt.gz` and 42 → `out.42.rmt.gz`. */
function outputOf(path: string, format: OutputFormat, child: string): string {
  return child === "" ? path : `${path.slice(0, -format.length - 1)}${child}.${format}`;
}

function chooseFormat(path: string): OutputFormat {
  const format = outputFormatOf(path);
  if (format.startsWith("rmt")) return format;
  throw new UsageError("unknown-output", `a recording is an .rmt, and ${path} is none`, {
    remedy: "End it with .rmt or .rmt.gz; convert makes CSV of it.",
  });
}

/** What makes a recording poorer than it looks, as far as the file of the program shows. */
function foresee(program: ProgramFacts, symbols: string | undefined): string[] {
  const warnings: string[] = [];
  const { path, ownAllocators, sharedAllocators } = program;
  for (const own of ownAllocators) {
    warnings.push(
      `${path} carries its own allocator (${own}malloc is linked into it): what goes through that is not recorded; ` +
        "build it with the C library's malloc to see it",
    );
  }
  if (program.definesMalloc) {
    warnings.push(`${path} defines malloc itself: its own calls never reach the recorder`);
  }
  for (const shared of sharedAllocators) {
    if (shared !== symbols) {
      warnings.push(
        `${path} calls ${shared}malloc of a shared library, which is not recorded; --symbols ${shared} does`,
      );
    }
  }
  return warnings;
}

/** Why nothing came. */
function nothingRecorded(program: ProgramFacts): UserError {
  const { path } = program;
  const say = (code: string, reason: string, remedy: string): UserError =>
    new UserError(code, `nothing was recorded: ${reason}`, { remedy });
  if (program.isStatic) {
    return say(
      "static-program",
      `${path} is linked statically, and nothing can be preloaded into it`,
      "Link it dynamically.",
    );
  }
  if (program.changesUser) {
    return say(
      "setuid-program",
      `${path} runs as another user than who starts it, and the loader then preloads nothing`,
      "Start it as that user.",
    );
  }
  if (program.foreign) {
    return say(
      "foreign-program",
      `${path} is no ${process.arch} program`,
      "Record it with a recorder built for it.",
    );
  }
  return say(
    "nothing-recorded",
    `${path} never loaded the recorder`,
    "A program that clears its environment, or starts with more rights than its caller, does that.",
  );
}

/** The collector is gone, and with it what it had not written yet. */
function collectorLost({ failures }: RecordOutcome, rawPath: string): UserError {
  const remedy = existsSync(rawPath)
    ? `What it wrote is in ${rawPath}: rustydb-mem convert ${rawPath} FILE.rmt resolves it.`
    : "Record again.";
  return new UserError("collector-lost", `the recording broke off: ${failures.join("; ")}`, { remedy });
}

/** Where the trace of a process ends. What a child had from its parent, and the mark behind it, are none of its events. */
function headOf({ inheritedBlocks }: RecordedProcess, maxEvents: number | undefined): number | undefined {
  if (maxEvents === undefined) return undefined;
  return maxEvents + (inheritedBlocks > 0 ? inheritedBlocks + 1 : 0);
}

async function resolve(
  process: RecordedProcess,
  output: TraceOutput,
  path: string,
  nsPerEvent: number,
  flags: RecordFlags,
  context: CommandContext,
): Promise<RecordedTrace> {
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `resolving ${path}`);
  try {
    const shown = { signal: context.signal, ...(progress && { onProgress: progress.show }) };
    const kinds =
      flags.kinds === undefined ? undefined : await kindsOfTrace(process.path, flags.kinds, shown);
    const head = headOf(process, flags.maxEvents);
    const cut = head === undefined ? {} : { head };
    const run = await runTrace(
      process.path,
      { kind: "rmt" },
      {
        ...shown,
        filters: { ...cut, ...(kinds && { siteKinds: kinds.filter }) },
        onOutput: (bytes) => output.write(bytes),
      },
    );
    await output.commit();
    const { analysis } = await runTrace(process.path, { kind: "inspect" }, { ...shown, filters: cut });
    const peakLiveBytes = analysis?.peak.liveBytes ?? 0;
    const { peakResidentBytes, cpuNs, events } = process;
    return {
      process,
      trace: { path, bytes: output.writtenBytes, events: run.resultEvents },
      peakLiveBytes,
      report: kinds === undefined ? run.report : withUnmatched(run.report, kinds.unmatched),
      shareOfResident: peakResidentBytes > 0 ? Math.min(1, peakLiveBytes / peakResidentBytes) : null,
      shareOfCpu: cpuNs > 0 && events > 0 ? Math.min(1, (events * nsPerEvent) / cpuNs) : null,
    };
  } finally {
    progress?.close();
    await output.discard();
  }
}

/**
 * What stands behind the name of the output for each process: nothing for the program, which is what a wrapper (env, sh -c
 * "exec …") has become in the end, and comes first.
 */
function named(
  processes: readonly RecordedProcess[],
  rawPath: string,
): { process: RecordedProcess; child: string }[] {
  const program = processes.filter((each) => each.pid === processes[0]?.pid).at(-1);
  const suffix = (process: RecordedProcess | undefined): string => process?.path.slice(rawPath.length) ?? "";
  const all = processes.map((process) => {
    const child = process === program ? "" : suffix(process) || suffix(program);
    return { process, child };
  });
  return [
    ...all.filter(({ process }) => process === program),
    ...all.filter(({ process }) => process !== program),
  ];
}

/** Raw recordings to traces, the program's own first. A raw file is removed when its trace is complete, not before. */
async function resolveAll(
  outcome: RecordOutcome,
  first: TraceOutput,
  path: string,
  format: OutputFormat,
  rawPath: string,
  flags: RecordFlags,
  context: CommandContext,
): Promise<RecordedTrace[]> {
  const traces: RecordedTrace[] = [];
  try {
    for (const { process, child } of named(outcome.processes, rawPath)) {
      const to = outputOf(path, format, child);
      const output =
        child === "" ? first : await TraceOutput.open(to, { format, force: flags.force === true });
      traces.push(await resolve(process, output, to, outcome.mallocNsPerEvent, flags, context));
      rmSync(process.path, { force: true });
    }
  } catch (error) {
    const left = outcome.processes.map((each) => each.path).filter((each) => existsSync(each));
    context.stderr.write(
      `the raw ${left.length === 1 ? "recording is" : "recordings are"} kept: ${left.join(", ")}\n` +
        `  rustydb-mem convert ${left[0]} ${path} resolves it.\n`,
    );
    throw error;
  }
  return traces;
}

function summarise(
  command: readonly string[],
  outcome: RecordOutcome,
  traces: readonly RecordedTrace[],
  foreseen: readonly string[],
  symbols: string | undefined,
): Recording {
  const warnings = [...foreseen, ...outcome.failures];
  if (symbols !== undefined) {
    warnings.push(
      `--symbols ${symbols} saw the libraries that the program starts with: what one opened later (dlopen) asks of ` +
        `${symbols}malloc, or the program by way of dlsym, was not recorded`,
    );
  }
  for (const { process } of traces) {
    if (process.gaveUp)
      warnings.push(`process ${process.pid} stopped recording: the collector did not answer it`);
    if (process.damagedRings > 0)
      warnings.push(
        `process ${process.pid} overwrote ${process.damagedRings} of its rings; what followed is lost`,
      );
    if (process.dropped > 0)
      warnings.push(
        `process ${process.pid} dropped ${process.dropped} events, so blocks may seem to leak or to be freed twice`,
      );
  }
  const { exit, stopped, mallocNsPerEvent } = outcome;
  return { command, exit, traces, stopped: stopped ?? null, warnings, mallocNsPerEvent };
}

async function record(words: readonly string[], flags: RecordFlags, context: CommandContext): Promise<void> {
  const [name, ...programWords] = words;
  if (name === undefined) {
    throw new UsageError("usage", "record needs a program to run", {
      remedy: "rustydb-mem record -o out.rmt.gz -- program args",
    });
  }
  const { stderr } = context;
  const program = readProgram(findProgram(name));
  const foreseen = foresee(program, flags.symbols);
  const unmarked = flags.markers === undefined ? undefined : sqliteMarkersWarning(program.path);
  if (unmarked !== undefined) foreseen.push(unmarked);
  // Found out now, not after the program has run.
  if (flags.kinds !== undefined) {
    if (flags.stacks === undefined)
      throw new UsageError("usage", "--kinds needs call stacks", { remedy: "Add --stacks." });
    await readKindMap(flags.kinds);
  }
  const stackBytes = flags.stacks === true ? DEFAULT_STACK_BYTES : flags.stacks;
  for (const warning of foreseen) stderr.write(`warning: ${warning}\n`);
  const path = flags.output ?? `${basename(name)}.rmt.gz`;
  const format = chooseFormat(path);
  const rawPath = `${path}.raw`;
  const output = await TraceOutput.open(path, { format, force: flags.force === true });
  try {
    const programOutput = openProgramOutput(flags.programOutput);
    const view = await openRecordingView(flags, { program: basename(name), tracePath: path }, context);
    const outcome = await recordProgram(
      {
        command: [program.path, ...programWords],
        rawPath,
        onFull: flags.onFull,
        ...(flags.after !== undefined && { afterNs: flags.after }),
        ...(flags.for !== undefined && { forNs: flags.for }),
        ...(flags.maxEvents !== undefined && { maxEvents: flags.maxEvents }),
        ...(flags.maxSize !== undefined && { maxBytes: flags.maxSize }),
        ...(flags.sampleMemory !== undefined && {
          sampleNs: flags.sampleMemory === true ? DEFAULT_SAMPLE_NS : flags.sampleMemory,
        }),
        ...(flags.symbols !== undefined && { symbols: flags.symbols }),
        ...(stackBytes !== undefined && { stackBytes }),
        ...(flags.markers !== undefined && { markers: flags.markers }),
        ...(programOutput && { output: programOutput.fd }),
        // The keys of the terminal are the view's.
        withoutInput: context.stdin.isTTY === true && hasLiveView(flags, stderr),
      },
      { onNotice: view.notice, signal: context.signal, ...(view.show && { onProgress: view.show }) },
    ).finally(() => {
      view.close();
      programOutput?.close();
    });
    context.setExitCode(exitCodeOf(outcome.exit));
    if (outcome.collectorLost) throw collectorLost(outcome, rawPath);
    if (outcome.processes.length === 0) throw nothingRecorded(program);
    const traces = await resolveAll(outcome, output, path, format, rawPath, flags, context);
    const recording = summarise(words, outcome, traces, foreseen, flags.symbols);
    if (flags.exportJson !== undefined) {
      await writeFile(flags.exportJson, `${JSON.stringify({ schemaVersion: 1, ...recording }, null, 2)}\n`);
    }
    const width = Math.max(60, Math.min(140, stderr.columns ?? 110));
    stderr.write(recordingReport(recording, { chalk: new Chalk(), width }));
  } catch (error) {
    throw context.signal.aborted && !(error instanceof UserError) ? new Interrupted() : error;
  } finally {
    await output.discard();
  }
}

const duration = parsedBy((text) => Math.round(parseDuration(text)));

export function command(context: CommandContext): Command {
  return new Command("record")
    .usage("[options] -- <program> [args...]")
    .summary("take a trace of a real program")
    .description(
      "Run a program and record its calls of the malloc family, on all threads and in all its children.",
    )
    .argument("<program...>", "the program and its arguments, behind --")
    .option("-o, --output <file>", "the trace, .rmt or .rmt.gz (default: the program's name, .rmt.gz)")
    .option("-f, --force", "replace a file that is there")
    .addOption(
      new Option(
        "--on-full <what>",
        "where a thread is faster than the collector: let it wait, or drop and count",
      )
        .choices(["wait", "drop"])
        .default("wait"),
    )
    .option("--after <time>", "begin so long after the program did, e.g. 5s", duration)
    .option("--for <time>", "stop recording after so long, e.g. 30s; the program goes on", duration)
    .option(
      "--max-events <n>",
      "stop recording after so many events of all processes; a trace is cut at its n-th, exactly",
      parsedBy(positiveCount),
    )
    .option(
      "--max-size <bytes>",
      "stop recording soon after the raw files have so many bytes (what waits in memory still comes), e.g. 2GiB",
      parsedBy(parseBytes),
    )
    .option(
      "--sample-memory [time]",
      "record the memory of the process too, so often (100ms where not told)",
      duration,
    )
    .option(
      "--symbols <prefix>",
      "record PREFIXmalloc, PREFIXfree, … of a shared library too, e.g. je_; calls from libraries opened later are not seen",
      parsedBy(prefix),
    )
    .option(
      "--stacks [bytes]",
      "take a call stack every so many bytes that a thread allocates, on average (64KiB where not told; 1: always)",
      parsedBy(stackDistance),
    )
    .addOption(
      new Option("--markers <what>", "mark the transactions of a library that the program uses").choices([
        "sqlite",
      ]),
    )
    .option("--kinds <map.yaml>", "rules that turn the functions of call stacks into kinds")
    .option("--export-json <file>", "the summary as JSON")
    .option(
      "--program-output <file>",
      "what the program writes goes to the end of this file, also /dev/null; a terminal then has the live view, and the program reads nothing from it",
    )
    .option("--no-tui", "a progress line in place of the live view")
    .option("-q, --quiet", "no progress")
    .passThroughOptions()
    .addHelpText("after", EXAMPLES)
    .action((words: string[], flags: RecordFlags) => record(words, flags, context));
}
