/**
 * Real programs on the drop-in malloc and on its peers, each preloaded: throughput, CPU time and memory, in rounds that
 * have every allocator once, in random order. Writes Markdown with host and date.
 *
 * npm run bench:programs [-- --rounds N] [--size SHARE] [--allocators a,b] [--seed N] [--out FILE] [--json FILE] [program…]
 *
 * `--size 1` is the whole of each load (a million requests of Redis); the default, a fifth, takes about two
 * minutes a round of all; for figures to quote take --rounds 10 --size 1. Programs: redis postgres mariadb sqlite python g++.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readHost } from "../src/measure/host.js";
import { packageRoot } from "../src/native.js";
import { isDifference } from "../src/statistics/comparison.js";
import { Random } from "../src/statistics/random.js";
import { formatBytes, formatDuration, formatPercent } from "../src/units.js";
import { choosePrograms } from "./programs/all.js";
import { AGAIN, ALL, displayName, GLIBC, OURS, preloads } from "./programs/allocators.js";
import {
  bestOf,
  CPU,
  type Metric,
  medianOf,
  noiseFloor,
  PEAK,
  provenance,
  ratioOf,
  ratioText,
  THROUGHPUT,
} from "./programs/report.js";
import { type ProgramRuns, type Run, runRounds } from "./programs/rounds.js";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: "0.2" },
    allocators: { type: "string", default: ALL.join(",") },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: join(packageRoot, "docs", "programs.md") },
    json: { type: "string" },
  },
});
const [rounds, size, seed] = [Number(flags.rounds), Number(flags.size), Number(flags.seed)];
if (!(Number.isInteger(rounds) && rounds > 0))
  throw new Error(`--rounds ${flags.rounds} is no number of rounds`);
if (!(size > 0 && size <= 1)) throw new Error(`--size ${flags.size} is not above 0 and at most 1`);
const programs = choosePrograms(positionals);
const chosen = preloads([...new Set([...flags.allocators.split(","), GLIBC, AGAIN])]);
const names = chosen.map(({ name }) => name);
const peers = names.filter((name) => name !== OURS && name !== AGAIN);

/** How far ours is from the best peer; ✗ where that is worse by more than the noise. */
function againstBest(runs: readonly Run[], metric: Metric): string {
  const best = bestOf(runs, peers, metric);
  const ratio = best === undefined ? undefined : ratioOf(runs, metric, OURS, best, seed);
  if (best === undefined || ratio === undefined) return "–";
  const worse =
    isDifference(ratio, noiseFloor(runs, metric, seed)) && ratio.median < 1 === metric.moreIsBetter;
  return `${ratioText(ratio)} of ${displayName(best)}${worse ? " ✗" : ""}`;
}

function summary(results: readonly ProgramRuns[]): string[] {
  const rows = results.flatMap(({ name, loads, runs }) =>
    loads.map((load) => {
      const these = runs.filter((run) => run.load === load.name);
      const cells = [THROUGHPUT, CPU, PEAK].map((metric) => againstBest(these, metric));
      const noise = [THROUGHPUT, CPU].map((metric) => {
        const floor = noiseFloor(these, metric, seed);
        return floor === null ? "any" : formatPercent(floor);
      });
      return `| ${name}, ${load.name} | ${[...cells, noise.join(", ")].join(" | ")} |`;
    }),
  );
  return [
    "| program, load | throughput | CPU time an operation | peak memory | noise of throughput, CPU |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
    `${OURS} over the best of the peers, by the median, in that column: median of the rounds and 95 % interval. ✗: worse, the ` +
      "interval leaves 1 out, and it is beyond the noise: how far glibc was from itself in the same rounds, interval included. The best of several that are alike is partly the luckiest, so that a ratio of 1 is a little more than a draw.",
  ];
}

const figure: readonly [string, Metric, (value: number) => string][] = [
  ["operations a second", THROUGHPUT, (value) => value.toFixed(value < 10 ? 3 : 0)],
  ["CPU an operation", CPU, (value) => formatDuration(value * 1e9)],
  ["peak memory", PEAK, formatBytes],
  [
    "largest process",
    { title: "largest process", moreIsBetter: false, of: (run) => run.largestBytes },
    formatBytes,
  ],
  [
    "high-water mark",
    { title: "high-water mark", moreIsBetter: false, of: (run) => run.highWaterBytes },
    formatBytes,
  ],
];

function details({ name, version, loads, runs }: ProgramRuns): string[] {
  return loads.flatMap((load) => {
    const these = runs.filter((run) => run.load === load.name);
    const rows = names.map((allocator) => {
      const own = figure.map(([, metric, text]) => text(medianOf(these, allocator, metric)));
      const ratios = [THROUGHPUT, CPU].map((metric) =>
        allocator === OURS ? "1" : ratioText(ratioOf(these, metric, OURS, allocator, seed)),
      );
      return `| ${displayName(allocator)} | ${[...own, ...ratios].join(" | ")} |`;
    });
    const heads = [...figure.map(([title]) => title), `throughput, ${OURS} over it`, "CPU, the same"];
    return [
      "",
      `## ${name}: ${load.name}`,
      "",
      `${version}. ${load.what}${size === 1 ? "" : `; here ${size} of that`}. An operation: one ${load.operation}.`,
      "",
      `| preloaded | ${heads.join(" | ")} |`,
      `| --- | ${heads.map(() => "---:").join(" | ")} |`,
      ...rows,
    ];
  });
}

const random = new Random(seed);
const results: ProgramRuns[] = [];
for (const program of programs) {
  const progress = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  results.push(await runRounds(program, program.loads, { preloads: chosen, rounds, size, random, progress }));
}

const text = [
  "# Real programs on the drop-in malloc",
  "",
  `${provenance(`npm run bench:programs -- --rounds ${rounds} --size ${size}`, chosen)} ${rounds} rounds with every allocator once ` +
    "in random order, each run in a fresh process on the same data, after one that does not count. Clients run without a preloaded library.",
  "",
  "CPU time is that of the server and its children (user and system), which a busy neighbour disturbs less than throughput. Peak memory is " +
    "anonymous memory (RssAnon, huge pages, swap) of all processes of the program, looked at every 10 ms; pages that processes share after " +
    "a fork count in each. The high-water mark is the kernel's of the largest process, files and shared memory included.",
  "",
  ...summary(results),
  ...results.flatMap(details),
];
writeFileSync(flags.out, `${text.join("\n")}\n`);
process.stdout.write(`${flags.out}\n`);
if (flags.json !== undefined) {
  const result = {
    date: new Date().toISOString(),
    host: readHost(),
    rounds,
    size,
    seed,
    allocators: chosen,
    programs: results,
  };
  writeFileSync(flags.json, `${JSON.stringify(result, null, 1)}\n`);
  process.stdout.write(`${flags.json}\n`);
}
