import { writeFileSync } from "node:fs";
import { Chalk } from "chalk";
import { UsageError, UserError } from "../errors.js";
import { generationReport } from "../report/generation.js";
import type { Generation } from "../trace/event.js";
import { runGenerated } from "../trace/generated.js";
import { outputFormatOf, TraceOutput } from "../trace/output.js";
import { runTrace } from "../trace/source.js";
import { formatCount } from "../units.js";
import { compileWorkload } from "../workload/compile.js";
import type { Workload } from "../workload/document.js";
import { TraceFit } from "../workload/fit.js";
import { workloadJsonSchema } from "../workload/json-schema.js";
import { findWorkload } from "../workload/shipped.js";
import { shippedWorkloads } from "../workload/shipped-names.js";
import type { CommandContext } from "./context.js";
import type { GenerateFlags } from "./generate.js";
import { ReadingProgress } from "./reading-progress.js";

async function generate(workload: Workload, flags: GenerateFlags, context: CommandContext): Promise<void> {
  const path = flags.output ?? `${workload.spec.workload}.rmt.gz`;
  const format = flags.to ?? (path === "-" ? "rmt" : outputFormatOf(path));
  if (path === "-" && flags.json)
    throw new UsageError("usage", "standard output can't take both the trace and --json");
  if (path === "-" && context.stdout.isTTY && format !== "csv") {
    throw new UsageError("usage", "standard output is a terminal, and a trace is not text", {
      remedy: "Add --to csv, or pipe it on.",
    });
  }
  const program = compileWorkload(workload, {
    seed: flags.seed,
    ...(flags.events !== undefined && { events: flags.events }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(flags.live !== undefined && { liveBytes: flags.live }),
  });
  const wanted = flags.events ?? workload.spec.events;
  const kind = format.startsWith("csv") ? "csv" : "rmt";
  const output = await TraceOutput.open(path === "-" ? context.stdout : path, {
    format,
    force: flags.force === true,
  });
  const progress = flags.quiet
    ? undefined
    : new ReadingProgress(context.stderr, `generating ${workload.spec.workload}`);
  const started = performance.now();
  let made: Generation;
  try {
    const run = await runGenerated(
      program,
      { kind },
      {
        signal: context.signal,
        onOutput: (bytes) => output.write(bytes),
        ...(progress && {
          onEvents: (events) => progress.show({ doneBytes: events, totalBytes: wanted, events }),
        }),
      },
    );
    await output.commit();
    made = {
      workload: workload.spec.workload,
      hash: workload.hash,
      seed: flags.seed,
      to: { path, format: kind, bytes: output.writtenBytes },
      events: run.resultEvents,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    progress?.close();
    await output.discard();
  }
  if (flags.json) context.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...made }, null, 2)}\n`);
  else
    (path === "-" ? context.stderr : context.stdout).write(
      generationReport(made, { chalk: new Chalk(), width: 100 }),
    );
}

/** Fits a workload to a trace; the result is a workload file, to be looked at, changed and generated from. */
async function fitWorkload(from: string, flags: GenerateFlags, context: CommandContext): Promise<void> {
  const path = flags.output ?? "-";
  if (path !== "-" && !/\.ya?ml$/i.test(path)) {
    throw new UsageError("usage", `--from makes a workload file, and ${path} is not named like one`, {
      remedy: "Write -o like.yaml; then: rustydb-mem generate like.yaml -o like.rmt.gz",
    });
  }
  const progress = flags.quiet ? undefined : new ReadingProgress(context.stderr, `reading ${from}`);
  const fitting = new TraceFit();
  try {
    await runTrace(
      from,
      { kind: "csv" },
      {
        signal: context.signal,
        onOutput: (bytes) => fitting.take(bytes),
        ...(progress && { onProgress: progress.show }),
      },
    );
  } finally {
    progress?.close();
  }
  const text = fitting.workload(from, { ...(flags.threads !== undefined && { threads: flags.threads }) });
  if (path === "-") {
    context.stdout.write(text);
    return;
  }
  try {
    writeFileSync(path, text, { flag: flags.force === true ? "w" : "wx" });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new UsageError("file-exists", `${path} exists already`, { remedy: "--force replaces it." });
    }
    throw new UserError("io", `${path} cannot be written: ${message}`, { cause });
  }
  if (flags.json) context.stdout.write(`${JSON.stringify({ schemaVersion: 1, to: path }, null, 2)}\n`);
  else context.stdout.write(`${path}: fitted to ${from}\n`);
}

function list(flags: GenerateFlags, context: CommandContext): void {
  const all = shippedWorkloads().map((name) => ({ name, workload: findWorkload(name) }));
  if (flags.json) {
    const rows = all.map(({ name, workload: { spec, hash, file } }) => ({
      name,
      file,
      hash,
      events: spec.events,
      threads: spec.threads,
      description: spec.description ?? "",
    }));
    context.stdout.write(`${JSON.stringify({ schemaVersion: 1, workloads: rows }, null, 2)}\n`);
    return;
  }
  const wide = Math.max(...all.map(({ name }) => name.length));
  for (const { name, workload } of all) {
    const { events, threads, description = "" } = workload.spec;
    const size = `${formatCount(events)} events, ${threads} thread${threads === 1 ? "" : "s"}`;
    context.stdout.write(`${name.padEnd(wide)}  ${size}\n${" ".repeat(wide)}  ${description}\n`);
  }
}

/** Makes a trace, or does what the options ask for in its place. */
export async function generateWith(
  name: string | undefined,
  flags: GenerateFlags,
  context: CommandContext,
): Promise<void> {
  if (flags.list) return list(flags, context);
  if (flags.schema) {
    context.stdout.write(`${JSON.stringify(workloadJsonSchema(), null, 2)}\n`);
    return;
  }
  if (flags.from !== undefined) {
    if (name !== undefined)
      throw new UsageError("usage", "--from fits a workload to a trace: it takes no workload");
    return fitWorkload(flags.from, flags, context);
  }
  if (name === undefined) {
    throw new UsageError("usage", "which workload?", {
      remedy: `Shipped: ${shippedWorkloads().join(", ")}.`,
    });
  }
  return generate(findWorkload(name), flags, context);
}
