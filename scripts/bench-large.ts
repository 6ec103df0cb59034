/**
 * The bars of large objects, each beside the figure measured now, for the three fits; and the same of malloc and of the
 * peers that are installed, which have no bar. Exit code 1 where a bar is missed.
 *
 * npm run bench:large [-- --refill GiB] [--regions N] [--no-peers]
 *   --refill   touched bytes of the bar of memory, 8 by default; as much has to be free
 *   --regions  live regions while single operations are timed, 1 million by default
 *
 * Wants a quiet machine. Builds its program (test/bench/large_bench.cc) in build/bench.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPeers } from "../src/engine/allocators.js";
import { packageRoot } from "../src/native.js";
import { formatBytes } from "../src/units.js";

const FITS = ["best", "first", "worst"];
const GIB = 1024 ** 3;

const { values: flags } = parseArgs({
  options: {
    refill: { type: "string", default: "8" },
    regions: { type: "string", default: "1000000" },
    "no-peers": { type: "boolean", default: false },
  },
});

interface Bar {
  readonly name: string;
  readonly wanted: string;
  readonly args: readonly string[];
  /** What the program said, in words, and whether it is good enough. */
  judge(figures: Readonly<Record<string, number>>): { figure: string; met: boolean };
}

function figureOf(figures: Readonly<Record<string, number>>, name: string): number {
  const value = figures[name];
  if (value === undefined) throw new Error(`large_bench did not say ${name}`);
  return value;
}

const bars: readonly Bar[] = [
  {
    name: "reuse of an object of 256 KiB to 8 MiB, p50 of the slowest size",
    wanted: "under 200 ns",
    args: ["reuse"],
    judge(figures) {
      const ns = figureOf(figures, "reuseNs");
      return { figure: `${ns.toFixed(0)} ns`, met: ns < 200 };
    },
  },
  {
    name: `one operation with ${flags.regions} live regions, p99.9`,
    wanted: "under 20 µs",
    args: ["live", flags.regions, "1000000"],
    judge(figures) {
      const ns = figureOf(figures, "p999Ns");
      const others = `p50 ${figureOf(figures, "p50Ns").toFixed(0)} ns, max ${(figureOf(figures, "maxNs") / 1000).toFixed(0)} µs`;
      return { figure: `${(ns / 1000).toFixed(1)} µs (${others})`, met: ns < 20_000 };
    },
  },
  {
    name: `resident over live after a random half of ${flags.refill} GiB was freed and refilled`,
    wanted: "at most 1.25",
    args: ["refill", String(Number(flags.refill) * GIB)],
    judge(figures) {
      const resident = figureOf(figures, "residentBytes");
      const ratio = resident / figureOf(figures, "liveBytes");
      const text = `${ratio.toFixed(3)} (${formatBytes(resident)}, of them ${formatBytes(figureOf(figures, "hugeBytes"))} huge, ${figureOf(figures, "seconds").toFixed(1)} s)`;
      return { figure: text, met: ratio <= 1.25 };
    },
  },
];

function run(command: string, args: readonly string[], preload?: string): string {
  const env = {
    PATH: "/usr/bin:/bin",
    LC_ALL: "C",
    ...(preload === undefined ? {} : { LD_PRELOAD: preload }),
  };
  const { status, signal, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env });
  if (status !== 0) {
    const end = signal ?? status;
    throw new Error(`${command} ${args.join(" ")} ended with ${end}: ${(stderr + stdout).slice(-2000)}`);
  }
  return stdout;
}

const folder = join(packageRoot, "build", "bench");
run("cmake", ["-S", packageRoot, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"]);
run("cmake", ["--build", folder, "--target", "large_bench"]);
const program = join(folder, "Release", "large_bench");

const peers = flags["no-peers"]
  ? []
  : [{ name: "malloc", path: undefined }, ...findPeers().filter((peer) => peer.path !== undefined)];

let missed = 0;
for (const bar of bars) {
  process.stdout.write(`${bar.name}: ${bar.wanted}\n`);
  const measure = (subject: string, preload?: string) =>
    bar.judge(JSON.parse(run(program, [subject, ...bar.args], preload)) as Record<string, number>);
  for (const fit of FITS) {
    const { figure, met } = measure(fit);
    process.stdout.write(`  ${met ? "met   " : "MISSED"}  ${`${fit} fit`.padEnd(10)} ${figure}\n`);
    if (!met) missed += 1;
  }
  for (const peer of peers)
    process.stdout.write(`          ${peer.name.padEnd(10)} ${measure("malloc", peer.path).figure}\n`);
}
process.stdout.write(missed === 0 ? "every bar is met\n" : `${missed} of the bars missed\n`);
if (missed > 0) process.exitCode = 1;
