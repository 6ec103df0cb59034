import { existsSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { Chalk } from "chalk";
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
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import type { RecordFlags } from "./record.js";
import { hasLiveView, openProgramOutput, openRecordingView } from "./recording-progress.js";

const DEFAULT_SAMPLE_NS = 100e6;

const DEFAULT_STACK_BYTES = 64 * 1024;

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

export async function record(
  words: readonly string[],
  flags: RecordFlags,
  context: CommandContext,
): Promise<void> {
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
