import { writeFileSync } from "node:fs";
import { Chalk } from "chalk";
import { Command, Option } from "commander";
import { UsageError, UserError } from "../errors.js";
import { generationReport } from "../report/generation.js";
import type { Generation } from "../trace/event.js";
import { runGenerated } from "../trace/generated.js";
import { OUTPUT_FORMATS, type OutputFormat, outputFormatOf, TraceOutput } from "../trace/output.js";
import { runTrace } from "../trace/source.js";
import { formatCount, parseBytes } from "../units.js";
import { compileWorkload } from "../workload/compile.js";
import type { Workload } from "../workload/document.js";
import { TraceFit } from "../workload/fit.js";
import { workloadJsonSchema } from "../workload/json-schema.js";
import { findWorkload, shippedWorkloads } from "../workload/shipped.js";
import type { CommandContext } from "./context.js";
import { ReadingProgress } from "./reading-progress.js";
import { parsedBy } from "./trace-options.js";

interface GenerateFlags {
  readonly output?: string;
  readonly to?: OutputFormat;
  readonly events?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly live?: number;
  readonly from?: string;
  readonly list?: boolean;
  readonly schema?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  $ rustydb-mem generate --list
  $ rustydb-mem generate oltp-tpcc -o oltp.rmt.gz
  $ rustydb-mem generate long-running-aging -o aging.rmt --events 10M --live 1GiB --seed 7
  $ rustydb-mem generate mine.yaml -o - --to csv --events 1000 | head
  $ rustydb-mem generate --from recorded.rmt.gz -o like-recorded.yaml
  $ rustydb-mem generate --schema > workload.schema.json

An editor that understands JSON schemas checks a workload file whose first line is
  # yaml-language-server: $schema=workload.schema.json`;

/** 600000, 600k, 10M: counts of events. */
function parseCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text);
  const count =
    match === null ? Number.NaN : Number(match[1]) * { "": 1, k: 1e3, M: 1e6, G: 1e9 }[match[2] as ""];
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError("bad-number", `"${text}" is not a number of events`, {
    remedy: "Write it like 600000, 600k or 10M.",
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError("bad-number", `"${text}" is not a whole number`);
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

export function command(context: CommandContext): Command {
  return new Command("generate")
    .usage("[options] <workload>")
    .summary("make a trace from a workload file")
    .description(
      "Make a trace from a workload file: one that is shipped, or your own. The same seed makes the same trace.",
    )
    .argument("[workload]", "the name of a shipped workload, or a file that ends in .yaml")
    .option(
      "-o, --output <file>",
      "the trace; its name says the format; - is standard output (default: NAME.rmt.gz)",
    )
    .addOption(
      new Option("--to <format>", "what to write, where the name does not say").choices(OUTPUT_FORMATS),
    )
    .option("--events <n>", "about so many events, e.g. 600k or 10M", parsedBy(parseCount))
    .option("--seed <n>", "another seed, another trace", parsedBy(wholeNumber), 1)
    .option("--threads <n>", "so many threads, beside those of jobs", parsedBy(wholeNumber))
    .option("--live <size>", "target of what is alive, e.g. 1GiB", parsedBy(parseBytes))
    .option("--from <trace>", "fit a workload file to a trace, instead of making a trace")
    .option("--list", "the workloads that are shipped")
    .option("--schema", "the JSON schema of workload files, for editors")
    .option("-f, --force", "replace a file that is there")
    .option("--json", "what was done on standard output as JSON, nothing else")
    .option("-q, --quiet", "no progress")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string | undefined, flags: GenerateFlags) => {
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
    });
}
