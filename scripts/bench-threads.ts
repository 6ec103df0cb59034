/**
 * What threads cost, ours beside the peers, interleaved: one thread allocates and another frees all; each thread for itself,
 * on one and two threads and on four times the CPUs; a thousand threads that come, leave blocks to others and go. Bars are
 * ours only. Exit code 1 where one is missed.
 *
 * npm run bench:threads [-- --rounds N]
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPeers } from "../src/engine/allocators.js";
import { builtPath } from "../src/engine/built.js";
import { Workspace } from "../src/engine/workspace.js";
import { packageRoot } from "../src/native.js";
import { bootstrapMedian } from "../src/statistics/bootstrap.js";
import { Random } from "../src/statistics/random.js";

const OURS = "rustydb-malloc";
const MAX_HANDOVER_NS = 12;
// Of what a tenth of the threads left behind.
const MAX_STORM_GROWTH = 1.1;

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });

const libraries: readonly { name: string; preload?: string }[] = [
  { name: OURS, preload: builtPath("librustydb_malloc.so", "RUSTYDB_MEM_MALLOC") },
  { name: "malloc" },
  ...findPeers().flatMap(({ name, path }) => (path === undefined ? [] : [{ name, preload: path }])),
];

interface Load {
  readonly title: string;
  readonly args: readonly string[];
  /** The figure of the numbers that the program prints. */
  figure(numbers: readonly number[]): number;
  readonly unit: string;
  readonly bar?: number;
}

const first = ([value = Number.NaN]: readonly number[]): number => value;
const cpus = availableParallelism();
const many = Math.min(4 * cpus, 64);
const loads: readonly Load[] = [
  ...[64, 1024].map((bytes) => ({
    title: `all frees on another thread, blocks of ${bytes} B, ns a block`,
    args: ["handover", "1000000", String(bytes)],
    figure: first,
    unit: "ns",
    ...(bytes === 64 ? { bar: MAX_HANDOVER_NS } : {}),
  })),
  ...[1, 2, many].map((threads) => ({
    title: `${threads} threads for themselves on ${cpus} CPUs, ns a pair of each thread`,
    args: ["local", String(threads), "1000000"],
    figure: first,
    unit: "ns",
  })),
  {
    title: "1000 threads that come and go: anonymous memory at the end over that after 100",
    args: ["storm", "1000"],
    figure: ([, early = Number.NaN, end = Number.NaN]) => end / early,
    unit: "",
    bar: MAX_STORM_GROWTH,
  },
];

const workspace = new Workspace();
try {
  const program = join(workspace.path, "threads_load");
  const source = join(packageRoot, "test", "bench", "threads_load.c");
  // Without -fno-builtin a pair without a use in between is compiled away.
  execFileSync("cc", ["-O2", "-pthread", "-fno-builtin", source, "-o", program], { stdio: "inherit" });
  const random = new Random(1);
  let missed = 0;
  for (const load of loads) {
    const figures = new Map<string, number[]>(libraries.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      const order = libraries.map((library) => ({ library, at: random.below(1 << 30) }));
      order.sort((a, b) => a.at - b.at);
      for (const { library } of order) {
        const env = {
          PATH: "/usr/bin:/bin",
          ...(library.preload === undefined ? {} : { LD_PRELOAD: library.preload }),
        };
        const text = execFileSync(program, load.args, { encoding: "utf8", env });
        figures.get(library.name)?.push(load.figure(text.trim().split(" ").map(Number)));
      }
    }
    process.stdout.write(`${load.title}\n`);
    for (const [name, values] of figures) {
      const { estimate, low, high } = bootstrapMedian([values], new Random(1));
      const isOurs = name === OURS && load.bar !== undefined;
      const met = load.bar === undefined || estimate <= load.bar;
      if (isOurs && !met) missed += 1;
      const verdict = isOurs ? (met ? `  met, at most ${load.bar}` : `  MISSED, at most ${load.bar}`) : "";
      const unit = load.unit === "" ? "" : ` ${load.unit}`;
      process.stdout.write(
        `  ${name.padEnd(16)} ${estimate.toFixed(2)}${unit} [${low.toFixed(2)}, ${high.toFixed(2)}]${verdict}\n`,
      );
    }
  }
  if (missed > 0) process.exitCode = 1;
} finally {
  workspace.dispose();
}
