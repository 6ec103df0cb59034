import { CLAIM_NAMES, measureClaims } from "../bench/claims/claims.js";
import { forecasterCost } from "../bench/forecaster.js";
import { type BenchOptions, runSuites, type SuitesResult } from "../bench/run-suites.js";
import { selectSuites } from "../bench/selection.js";
import { type BenchSuite, replaySuites } from "../bench/suites.js";
import { chooseAllocators } from "../engine/allocators.js";
import { replayExecutable } from "../engine/replayer.js";
import { Interrupted } from "../errors.js";
import { compareResults } from "../measure/compare-results.js";
import { readHost } from "../measure/host.js";
import type { HostInfo, ResultFile } from "../measure/measurement.js";
import type { BenchResult } from "../measure/measurement-bench.js";
import type { ProgressView } from "../measure/measurement-progress.js";
import { differencesBetween } from "../measure/result-differences.js";
import { readSavedResult } from "../measure/saved-result.js";
import type { BenchFlags } from "./bench-options.js";
import type { CommandContext } from "./context.js";
import { openProgress } from "./live-progress.js";
import { resultHead, writeResult } from "./result-output.js";

const USUAL = { rounds: 6, roundNs: 6e6, forecasterSamples: 20_000 };
const QUICK = { rounds: 4, roundNs: 3e6, forecasterSamples: 2_000 };

/** Of the workloads that claims are measured on: with fewer than two there are no intervals. */
const SEEDS = 5;
const QUICK_SEEDS = 3;

type Measured = SuitesResult & Pick<BenchResult, "figures" | "claims">;

async function measure(
  selection: ReturnType<typeof selectSuites>,
  flags: BenchFlags,
  view: ProgressView,
  signal: AbortSignal,
): Promise<Measured> {
  const extent = flags.quick ? QUICK : USUAL;
  const rounds = flags.rounds ?? extent.rounds;
  const options: BenchOptions = {
    allocators: flags.allocators,
    baseline: flags.baseline,
    rounds,
    seed: flags.seed,
    verify: flags.verify,
    aa: flags.aa,
    untilWidth: flags.until ?? null,
    maxRounds: flags.maxRounds,
    roundNs: extent.roundNs,
  };
  const { suites, stopped } = await runSuites(selection.suites, options, view, signal);
  const goOn = stopped === undefined && !signal.aborted;
  const figures =
    selection.pressure && goOn
      ? await forecasterCost({ rounds, seed: flags.seed, samples: extent.forecasterSamples }, view, signal)
      : [];
  const { claims, stopped: claimsStopped } =
    selection.claims.length > 0 && goOn && !signal.aborted
      ? await measureClaims(
          selection.claims,
          {
            subject: flags.subject,
            rounds,
            roundNs: extent.roundNs,
            seed: flags.seed,
            seeds: flags.quick ? QUICK_SEEDS : SEEDS,
          },
          view,
          signal,
        )
      : { claims: [], stopped: undefined };
  return {
    suites,
    stopped: stopped ?? claimsStopped ?? (signal.aborted ? new Interrupted() : undefined),
    figures,
    claims: [...claims],
  };
}

function toResultFile(
  { suites, stopped, figures, claims }: Measured,
  flags: BenchFlags,
  context: CommandContext,
  host: HostInfo,
): ResultFile {
  const merged = <T>(of: (suite: (typeof suites)[number]) => readonly T[]): T[] => suites.flatMap(of);
  const record = <T>(
    of: (suite: (typeof suites)[number]) => Readonly<Record<string, T>>,
  ): Record<string, T> => Object.assign({}, ...suites.map(of)) as Record<string, T>;
  const floors = record(({ harness }) => harness.noiseFloor ?? {});
  return {
    ...resultHead(context, host, stopped),
    options: {
      allocators: [...new Set(merged(({ allocators }) => allocators))],
      baseline: flags.baseline ?? suites[0]?.baseline ?? "malloc",
      rounds: flags.rounds ?? (flags.quick ? QUICK : USUAL).rounds,
      warmup: 1,
      warmPasses: record(({ warmPasses }) => warmPasses),
      threads: 0,
      touch: "page",
      speed: "max",
      order: "free",
      seed: flags.seed,
      verify: flags.verify,
      latency: suites.some(({ suite }) => suite.latency),
      memory: suites.some(({ suite }) => suite.memory),
      aa: flags.aa,
      untilWidth: flags.until ?? null,
      maxRounds: flags.maxRounds,
      idleMs: 0,
    },
    traces: merged(({ traces }) => traces),
    results: merged(({ results }) => results),
    comparisons: merged(({ comparisons }) => comparisons),
    // A mean over suites would be one of nothing in particular; each has its own.
    geometricMeans: [],
    harness: {
      loopNsPerEvent: record(({ harness }) => harness.loopNsPerEvent),
      clockNs: suites[0]?.harness.clockNs ?? null,
      ...(Object.keys(floors).length === 0 ? {} : { noiseFloor: floors }),
    },
    warnings: [...new Set(merged(({ warnings }) => warnings))],
    bench: {
      suites: suites.map(({ suite, traces, geometricMeans }) => ({
        name: suite.name,
        title: suite.title,
        cases: traces.map(({ name }) => name),
        means: geometricMeans,
      })),
      figures: [...figures],
      claims: [...claims],
    },
  };
}

/** The result with what has changed since another. */
function compared(current: ResultFile, reference: ResultFile, path: string): ResultFile {
  const changes = compareResults(reference, current)
    .filter(({ metric }) => metric === "warm" || metric === "peak")
    .map(({ trace, allocator, metric, change, different }) => ({
      ...{ trace, allocator, metric, different },
      change: { ...change },
    }));
  const warnings = differencesBetween(
    { label: "the saved result", result: reference },
    { label: "this one", result: current },
  );
  const { bench: own } = current;
  if (own === undefined) return current;
  return { ...current, bench: { ...own, compared: { path, date: reference.date, changes, warnings } } };
}

function list(suites: readonly BenchSuite[], context: CommandContext): void {
  for (const suite of suites) {
    for (const each of suite.cases) context.stdout.write(`${suite.name}/${each.name}\n`);
  }
  context.stdout.write(`pressure\n${CLAIM_NAMES.join("\n")}\n`);
}

/** Runs `bench`. */
export async function bench(
  words: readonly string[],
  flags: BenchFlags,
  context: CommandContext,
): Promise<void> {
  const suites = replaySuites(flags.quick);
  if (flags.list) {
    list(suites, context);
    return;
  }
  const selection = selectSuites(words, suites, CLAIM_NAMES, flags.quick);
  // Before anything runs: a file that is none, or no allocator, would be found out after minutes.
  const { allocators = [], baseline, subject } = flags;
  for (const named of [allocators, baseline ?? [], subject ?? []]) chooseAllocators([named].flat());
  const reference =
    flags.compare === undefined ? undefined : await readSavedResult(flags.compare, context.stdin);
  replayExecutable();
  // Before anything runs: how busy the machine was without us.
  const host = readHost();
  const view = await openProgress(flags, flags.baseline ?? "malloc", context);
  let measured: Measured;
  try {
    measured = await measure(selection, flags, view, context.signal);
  } finally {
    view.close();
  }
  const { suites: done, figures, claims, stopped } = measured;
  const anything = done.length > 0 || figures.length > 0 || claims.length > 0;
  if (stopped === undefined || anything) {
    const result = toResultFile(measured, flags, context, host);
    const shown = reference === undefined ? result : compared(result, reference, flags.compare ?? "");
    await writeResult(shown, flags, context);
  }
  if (stopped !== undefined) throw stopped;
  const failed = done.flatMap(({ results }) => results).find(({ failure }) => failure !== undefined);
  if (failed !== undefined) context.setExitCode(1);
}
