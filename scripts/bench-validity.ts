/**
 * Does a replay predict the program? Four servers run a load with each malloc preloaded; the same load is recorded once,
 * from start to end, and replayed through the same mallocs. Writes both side by side, with what part of the program's CPU
 * time malloc is at all.
 *
 * npm run bench:validity [-- --rounds N] [--size SHARE] [--perf-rounds N] [--replay-rounds N] [--seed N] [--out FILE] [--json FILE] [program…]
 *
 * Programs: redis postgres mariadb sqlite. The defaults take about six minutes; for figures to quote, --rounds 10 --size 1.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type AllocatorResult, type ResultFile, resultFileSchema } from "../src/measure/measurement.js";
import { packageRoot } from "../src/native.js";
import { isDifference } from "../src/statistics/comparison.js";
import { Random } from "../src/statistics/random.js";
import { spearman, spearmanOfMedians } from "../src/statistics/rank.js";
import { median } from "../src/statistics/summary.js";
import type { Recording } from "../src/trace/recording.js";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../src/units.js";
import { choosePrograms, PROGRAMS } from "./programs/all.js";
import { AGAIN, ALL, displayName, GLIBC, preloads } from "./programs/allocators.js";
import { canSample, type MallocShare, pooled, sampleMalloc } from "./programs/malloc-share.js";
import type { Figures, Launch, Load, Program } from "./programs/program.js";
import { type Metric, medianOf, noiseFloor, provenance, ratioOf, ratioText } from "./programs/report.js";
import { type Run, runRounds } from "./programs/rounds.js";
import { recordWords, type Session } from "./programs/session.js";

const GOOD_CORRELATION = 0.8;
const GOOD_PEAK = 0.1;
const MOST_EVENTS = 20_000_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: "0.2" },
    "replay-rounds": { type: "string", default: "5" },
    "perf-rounds": { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: join(packageRoot, "docs", "validity.md") },
    json: { type: "string" },
  },
});
const [rounds, size, seed] = [Number(flags.rounds), Number(flags.size), Number(flags.seed)];
const perfRounds = Number(flags["perf-rounds"]);
if (!(Number.isInteger(rounds) && rounds > 0))
  throw new Error(`--rounds ${flags.rounds} is no number of rounds`);
if (!(perfRounds >= 0)) throw new Error(`--perf-rounds ${flags["perf-rounds"]} is no number of rounds`);
if (!(size > 0 && size <= 1)) throw new Error(`--size ${flags.size} is not above 0 and at most 1`);

/** The servers, by the load of each in which malloc has most to do. */
const loadOf: Readonly<Record<string, string>> = {
  redis: "pipelined",
  postgres: "tpcb-like",
  mariadb: "oltp_read_write",
  sqlite: "tpcc",
};
const servers = choosePrograms(
  positionals,
  PROGRAMS.filter(({ name }) => name in loadOf),
);
const chosen = preloads(ALL);
const withAgain = preloads([...ALL, AGAIN]);
const names = chosen.map(({ name }) => name);

/** The whole life of the server counts, as the whole of it is recorded. */
const LIFE_CPU: Metric = {
  title: "CPU an operation",
  moreIsBetter: false,
  of: (run) => run.lifeCpuSeconds / run.operations,
};
const PEAK: Metric = { title: "peak", moreIsBetter: false, of: (run) => run.largestBytes };

interface Replayed {
  /** On one thread. null: the allocator failed. */
  readonly warmNs: number | null;
  readonly coldNs: number | null;
  /** With the threads of the trace. */
  readonly threadsNs: number | null;
  readonly peakBytes: number | null;
}

interface Validity {
  readonly name: string;
  readonly version: string;
  readonly load: Load;
  readonly runs: readonly Run[];
  /** Of all processes that were recorded. */
  readonly events: number;
  readonly recordedOperations: number;
  readonly trace: { readonly events: number; readonly threads: number; readonly peakLiveBytes: number };
  readonly replayed: Readonly<Record<string, Replayed>>;
  readonly shares: Readonly<Record<string, MallocShare>>;
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Replays with so many threads; 0: those of the trace. */
function replay(trace: string, threads: string, folder: string): ResultFile {
  const out = join(folder, "replay.json");
  const { status } = spawnSync(
    process.execPath,
    [
      ...[
        join(packageRoot, "bin", "rustydb-mem.js"),
        "replay",
        trace,
        "-a",
        names.join(","),
        "--threads",
        threads,
      ],
      ...[
        "-r",
        flags["replay-rounds"],
        "--seed",
        flags.seed,
        "--no-verify",
        "--no-latency",
        "--no-tui",
        "-q",
      ],
      ...["--export-json", out],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  if (status !== 0) throw new Error(`replay ended with ${status}`);
  return resultFileSchema.parse(JSON.parse(readFileSync(out, "utf8")));
}

/** Records one run of the load on glibc, whose blocks are as large as they were asked for: Redis asks how large. */
async function record(
  session: Session,
  run: (launch: Launch) => Promise<Figures>,
): Promise<{ recording: Recording; figures: Figures }> {
  const out = join(session.folder, "recorded.rmt");
  const library = chosen.find(({ name }) => name === GLIBC)?.library;
  const figures = await run({
    wrap: (words) => [
      ...["env", `LD_PRELOAD=${library}`],
      ...recordWords(out, ["--max-events", String(MOST_EVENTS)], words),
    ],
  });
  return { recording: JSON.parse(readFileSync(`${out}.json`, "utf8")) as Recording, figures };
}

async function examine(program: Program, random: Random): Promise<Validity> {
  const load = program.loads.find(({ name }) => name === loadOf[program.name]) as Load;
  let rest: Omit<Validity, "name" | "version" | "load" | "runs"> | undefined;
  const maySample = canSample();
  const { runs, version } = await runRounds(
    program,
    [load],
    { preloads: withAgain, rounds, size, random, progress: say },
    async (session, run) => {
      const once = (launch: Launch): Promise<Figures> => run(load.name, launch);
      const sampled: Record<string, MallocShare[]> = {};
      for (let round = 1; maySample && round <= perfRounds; round += 1) {
        for (const preload of random.shuffled(chosen)) {
          say(`${program.name}: perf, round ${round} of ${perfRounds}, ${preload.name}`);
          const share = await sampleMalloc(session, preload, program.user === undefined, once);
          sampled[preload.name] = [...(sampled[preload.name] ?? []), share];
        }
      }
      const shares = Object.fromEntries(Object.entries(sampled).map(([name, each]) => [name, pooled(each)]));
      say(`${program.name}: record`);
      const { recording, figures } = await record(session, once);
      if (recording.stopped !== null)
        throw new Error(`the recording of ${program.name} ended early: lower --size`);
      const traces = [...recording.traces].sort((a, b) => b.trace.events - a.trace.events);
      const [largest] = traces;
      if (largest === undefined) throw new Error(`nothing was recorded of ${program.name}`);
      say(`${program.name}: replay ${formatCount(largest.trace.events)} events`);
      const own = replay(largest.trace.path, "0", session.folder);
      const [trace] = own.traces;
      if (trace === undefined) throw new Error("the replay has no trace");
      // With more threads than CPUs the waits for the recorded order are in the time; merged into one there are none.
      const merged = trace.threads === 1 ? own : replay(largest.trace.path, "1", session.folder);
      const of = (result: ResultFile, name: string): AllocatorResult | undefined =>
        result.results.find(({ allocator }) => allocator === name);
      rest = {
        events: traces.reduce((sum, each) => sum + each.trace.events, 0),
        recordedOperations: figures.operations,
        trace: { events: trace.events, threads: trace.threads, peakLiveBytes: trace.peakLiveBytes },
        replayed: Object.fromEntries(
          names.map((name) => [
            name,
            {
              warmNs: of(merged, name)?.warm?.netNsPerEvent ?? null,
              coldNs: of(merged, name)?.cold?.netNsPerEvent ?? null,
              threadsNs: of(own, name)?.warm?.netNsPerEvent ?? null,
              peakBytes: of(own, name)?.memory?.peakBytes ?? null,
            },
          ]),
        ),
        shares,
      };
    },
  );
  if (rest === undefined) throw new Error(`${program.name} was not recorded`);
  return { name: program.name, version, load, runs, ...rest };
}

interface Pairs {
  readonly pairs: number;
  readonly same: number;
}

/** Pairs of allocators that reality tells apart, and how many of them the replay orders in the same way. */
function concordance(
  { replayed }: Validity,
  figure: "warmNs" | "coldNs",
  /** Below 0 where `a` is the cheaper in reality, above where `b` is; 0 where it can't be told. */
  order: (a: string, b: string) => number,
): Pairs {
  let [pairs, same] = [0, 0];
  for (const [index, a] of names.entries()) {
    for (const b of names.slice(index + 1)) {
      const real = order(a, b);
      const [first, second] = [replayed[a]?.[figure], replayed[b]?.[figure]];
      if (real === 0 || first == null || second == null) continue;
      pairs += 1;
      if (Math.sign(real) === Math.sign(first - second)) same += 1;
    }
  }
  return { pairs, same };
}

const byCpu =
  ({ runs }: Validity) =>
  (a: string, b: string): number => {
    const ratio = ratioOf(runs, LIFE_CPU, a, b, seed);
    const floor = noiseFloor(runs, LIFE_CPU, seed);
    return ratio === undefined || !isDifference(ratio, floor) ? 0 : ratio.median - 1;
  };

/** By the shares of samples in malloc, where they differ by more than 1.96 standard errors. */
const byShare =
  ({ shares }: Validity) =>
  (a: string, b: string): number => {
    const [first, second] = [shares[a], shares[b]];
    if (first === undefined || second === undefined) return 0;
    const variance = [first, second].reduce(
      (sum, { malloc, samples }) => sum + (malloc * (1 - malloc)) / samples,
      0,
    );
    const difference = first.malloc - second.malloc;
    return Math.abs(difference) > 1.96 * Math.sqrt(variance) ? difference : 0;
  };

/** A row a round, in it the CPU time of each allocator. */
function cpuByRound(runs: readonly Run[]): number[][] {
  return [...new Set(runs.map(({ round }) => round))].map((round) =>
    names.map((name) => {
      const run = runs.find((each) => each.round === round && each.allocator === name);
      return run === undefined ? Number.NaN : LIFE_CPU.of(run);
    }),
  );
}

interface Verdict {
  readonly warm: { estimate: number; low: number; high: number };
  readonly cold: { estimate: number; low: number; high: number };
  readonly warmPairs: Pairs;
  readonly coldPairs: Pairs;
  /** Of malloc's own time by perf with warm passes; undefined where it was not sampled. */
  readonly share: number | undefined;
  readonly sharePairs: Pairs;
  /** What the program has beside malloc, estimated. */
  readonly besideBytes: number;
  /** Largest of |replay + beside − reality| / reality. */
  readonly peakError: number;
  /** How far glibc is from itself in CPU time an operation; null: anything may be noise. */
  readonly noise: number | null;
}

function judge(validity: Validity): Verdict {
  const { runs, replayed, shares } = validity;
  const warmNs = names.map((name) => replayed[name]?.warmNs ?? Number.NaN);
  const correlation = (figure: "warmNs" | "coldNs"): Verdict["warm"] =>
    spearmanOfMedians(
      cpuByRound(runs),
      names.map((name) => replayed[name]?.[figure] ?? Number.NaN),
      new Random(seed),
    );
  const peaks = names.flatMap((name) => {
    const peak = replayed[name]?.peakBytes;
    return peak == null ? [] : [{ real: medianOf(runs, name, PEAK), replay: peak }];
  });
  const besideBytes = median(peaks.map(({ real, replay: peak }) => real - peak));
  return {
    warm: correlation("warmNs"),
    cold: correlation("coldNs"),
    warmPairs: concordance(validity, "warmNs", byCpu(validity)),
    coldPairs: concordance(validity, "coldNs", byCpu(validity)),
    share: names.every((name) => shares[name] !== undefined)
      ? spearman(
          names.map((name) => shares[name]?.malloc ?? Number.NaN),
          warmNs,
        )
      : undefined,
    sharePairs: concordance(validity, "warmNs", byShare(validity)),
    besideBytes,
    peakError: Math.max(...peaks.map(({ real, replay: peak }) => Math.abs(peak + besideBytes - real) / real)),
    noise: noiseFloor(runs, LIFE_CPU, seed),
  };
}

const nsText = (value: number | null | undefined): string => (value == null ? "–" : value.toFixed(2));
const correlationText = ({ estimate, low, high }: Verdict["warm"]): string =>
  `${estimate.toFixed(2)}${Number.isNaN(low) ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`}`;
const pairsText = ({ pairs, same }: Pairs): string => `${same} of ${pairs}`;

/** What part of the program's CPU time its events would take at the warm time of the replay. */
const replayedShare = ({ runs, events, recordedOperations, replayed }: Validity, name: string): number =>
  ((replayed[name]?.warmNs ?? Number.NaN) * events) /
  recordedOperations /
  (medianOf(runs, name, LIFE_CPU) * 1e9);

function table(validity: Validity, verdict: Verdict): string[] {
  const { runs, replayed, shares } = validity;
  const heads = [
    "CPU an operation",
    "over glibc's",
    "malloc's share of CPU",
    "by the replay",
    "replay, warm ns an event",
    "cold",
    "warm, own threads",
    "peak",
    "replay's peak",
    "with the rest",
    "off by",
  ];
  const rows = names.map((name) => {
    const real = medianOf(runs, name, PEAK);
    const peak = replayed[name]?.peakBytes ?? Number.NaN;
    const expected = peak + verdict.besideBytes;
    const share = shares[name];
    return [
      displayName(name),
      formatDuration(medianOf(runs, name, LIFE_CPU) * 1e9),
      name === GLIBC ? "1" : ratioText(ratioOf(runs, LIFE_CPU, name, GLIBC, seed)),
      share === undefined ? "–" : formatPercent(share.malloc),
      formatPercent(replayedShare(validity, name)),
      nsText(replayed[name]?.warmNs),
      nsText(replayed[name]?.coldNs),
      nsText(replayed[name]?.threadsNs),
      formatBytes(real),
      formatBytes(peak),
      formatBytes(expected),
      `${((expected / real - 1) * 100).toFixed(1)} %`,
    ].join(" | ");
  });
  return [
    `| preloaded | ${heads.join(" | ")} |`,
    `| --- | ${heads.map(() => "---:").join(" | ")} |`,
    ...rows.map((row) => `| ${row} |`),
  ];
}

/** What a difference of the replay would be of the program's CPU time, from what was recorded an operation. */
function ceiling(validity: Validity, { noise }: Verdict): string[] {
  const { runs, events, recordedOperations, replayed, shares } = validity;
  const perOperation = events / recordedOperations;
  const cpuNs = medianOf(runs, GLIBC, LIFE_CPU) * 1e9;
  const costs = names.flatMap((name) => replayed[name]?.warmNs ?? []);
  const spread = (Math.max(...costs) - Math.min(...costs)) * perOperation;
  const lines: string[] = [];
  const glibc = shares[GLIBC];
  if (glibc !== undefined) {
    const saved = (factor: number): string => formatPercent(glibc.malloc * (1 - 1 / factor));
    lines.push(
      `The ceiling: malloc is ${formatPercent(glibc.malloc)} of this program's CPU time on glibc (perf, ${formatCount(glibc.samples)} ` +
        `samples; ${formatPercent(glibc.kernel)} are in the kernel): 1.7× faster saves ${saved(1.7)}, and without any cost at all ` +
        `it would save ${formatPercent(glibc.malloc)}, page faults aside.`,
    );
  } else {
    lines.push("perf may not sample here: malloc's share of CPU time was not measured.");
  }
  lines.push(
    `${formatCount(perOperation)} events of malloc an operation: between the fastest and the slowest of the replay ` +
      `lie ${formatDuration(spread)} an operation, ${formatPercent(spread / cpuNs)} of the ${formatDuration(cpuNs)} that one takes ` +
      `on glibc; glibc was up to ${noise === null ? "any share" : formatPercent(noise)} from itself.`,
  );
  return lines;
}

function section(validity: Validity, verdict: Verdict): string[] {
  const { name, version, load, trace, events } = validity;
  const findings: string[] = [];
  const { pairs } = verdict.warmPairs;
  if (pairs === 0) {
    findings.push(
      "Time: no two of these mallocs differ by more than the noise here; there is no order to predict.",
    );
  } else {
    const met = (value: number): string => (value >= GOOD_CORRELATION ? "met" : "not met");
    findings.push(
      `Time: rank correlation ${correlationText(verdict.warm)} with warm, ${correlationText(verdict.cold)} with cold passes; of ${pairs} pairs that ` +
        `differ by more than the noise ${pairsText(verdict.warmPairs)} are in the replay's warm order, ${pairsText(verdict.coldPairs)} in its cold. ` +
        `Wanted: ${GOOD_CORRELATION}; warm ${met(verdict.warm.estimate)}, cold ${met(verdict.cold.estimate)}.`,
    );
  }
  if (verdict.share !== undefined) {
    findings.push(
      `Malloc's own time, by perf: rank correlation ${verdict.share.toFixed(2)} with warm passes; of ${verdict.sharePairs.pairs} pairs ` +
        `whose shares differ by more than their sampling error ${verdict.sharePairs.same} are in the replay's order. Here the rest of the ` +
        "program, with its noise, is left out, and so are page faults.",
    );
  }
  findings.push(
    `Peak: the program has ${formatBytes(verdict.besideBytes)} beside malloc (the median of what the replay leaves unexplained: stacks, data, ` +
      `what it maps itself); with that the replay is at most ${formatPercent(verdict.peakError)} off. Wanted: ${formatPercent(GOOD_PEAK)}, ` +
      `${verdict.peakError <= GOOD_PEAK ? "met" : "not met"}.`,
  );
  findings.push(...ceiling(validity, verdict));
  return [
    "",
    `## ${name}: ${load.name}`,
    "",
    `${version}. ${load.what}${size === 1 ? "" : `; here ${size} of that`}. Recorded: ${formatCount(events)} events; replayed: ` +
      `${formatCount(trace.events)} of the busiest process on ${trace.threads} thread${trace.threads === 1 ? "" : "s"}, at most ` +
      `${formatBytes(trace.peakLiveBytes)} alive.`,
    "",
    ...table(validity, verdict),
    "",
    ...findings.map((line) => `- ${line}`),
  ];
}

const random = new Random(seed);
const results: Validity[] = [];
for (const server of servers) results.push(await examine(server, random));
const judged = results.map((validity) => ({ validity, verdict: judge(validity) }));

const command = `npm run bench:validity -- --rounds ${rounds} --size ${size} --perf-rounds ${perfRounds} --replay-rounds ${flags["replay-rounds"]}`;
const text = [
  "# Does a replay predict the program?",
  "",
  `${provenance(command, chosen)}`,
  "",
  "Each server runs its load on every malloc, in rounds and in random order; the same load is recorded once, from the start of the server to " +
    "its end, and replayed: its memory with the threads it had, its time merged into one thread (beside it with its own, where the waits for " +
    "the recorded order are in it). Time in reality is the CPU time of the server over its whole life, an operation; time in the " +
    "replay is net of the loop, warm (the pass over memory that it had before) and cold (the first, as the program itself has it). Peak " +
    "is the anonymous memory of the largest process; the replay's is the allocator's alone.",
  "",
  "| server | rank correlation, warm | cold | pairs in order, warm | cold | malloc's own time, warm | peak off by at most | malloc's share on glibc |",
  "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
  ...judged.map(({ validity: { name, shares }, verdict }) => {
    const share = shares[GLIBC];
    const cells = [
      verdict.warmPairs.pairs === 0 ? "no differences" : correlationText(verdict.warm),
      verdict.warmPairs.pairs === 0 ? "no differences" : correlationText(verdict.cold),
      pairsText(verdict.warmPairs),
      pairsText(verdict.coldPairs),
      verdict.share === undefined
        ? "–"
        : `${verdict.share.toFixed(2)}, ${pairsText(verdict.sharePairs)} pairs`,
      formatPercent(verdict.peakError),
      share === undefined ? "–" : formatPercent(share.malloc),
    ];
    return `| ${name} | ${cells.join(" | ")} |`;
  }),
  "",
  "Rank correlation: Spearman's, over all five, with the interval of drawing the rounds again. Pairs: of those whose CPU times in reality differ by " +
    "more than their 95 % interval and than glibc from itself, how many the replay orders the same. Malloc's own time is its share of the samples that perf takes of the program.",
  ...judged.flatMap(({ validity, verdict }) => section(validity, verdict)),
];
writeFileSync(flags.out, `${text.join("\n")}\n`);
process.stdout.write(`${flags.out}\n`);
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    `${JSON.stringify({ date: new Date().toISOString(), rounds, size, seed, results: judged }, null, 1)}\n`,
  );
  process.stdout.write(`${flags.json}\n`);
}
