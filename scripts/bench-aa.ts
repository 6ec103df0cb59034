/**
 * Does the comparison keep its promises on this machine? A/A: an allocator against itself, in many comparisons of ten
 * short rounds each; a difference may be called in at most 8 %. And the same allocator slowed by 5 % of its own time: it
 * must be found in at least 70 %.
 *
 *   npx tsx scripts/bench-aa.ts [comparisons]
 *
 * Wants a build (npm run build), a C++ compiler for the slowed library, and a machine that does nothing else. With
 * BENCH_AA_OUT=FILE every round is written to FILE, to try other estimators on.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Allocator, chooseAllocators } from "../src/engine/allocators.js";
import { compileGenerated } from "../src/engine/plan.js";
import { runRound } from "../src/engine/replayer.js";
import { Workspace } from "../src/engine/workspace.js";
import { pairsOf, type TimeMetric } from "../src/measure/figures.js";
import { measureTrace, type ScheduledPlan, type TraceMeasurement } from "../src/measure/schedule.js";
import { packageRoot } from "../src/native.js";
import { comparePairs, isDifference, type RatioInterval } from "../src/statistics/comparison.js";
import { median } from "../src/statistics/summary.js";
import { shippedProgram } from "../src/workload/shipped.js";

const TARGET_SLOWDOWN = 0.05;
const MAX_FALSE_ALARMS = 0.08;
const MIN_FOUND = 0.7;
const SPINS_TRIED = [0, 2, 4, 6, 8, 10];
const CALIBRATION_ROUNDS = 60;
const SPIN_STEP = 0.5;

const comparisons = Number(process.argv[2] ?? 200);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const workspace = new Workspace();
const library = join(workspace.path, "libslow_malloc.so");

function buildLibrary(): void {
  const source = join(packageRoot, "test", "native", "preload", "slow_malloc.cc");
  execFileSync("c++", ["-std=c++20", "-O2", "-fPIC", "-shared", "-o", library, source], { stdio: "inherit" });
}

/** glibc's malloc with so many steps more in every call. */
function slowed(spins: number): Allocator {
  const [allocator] = chooseAllocators([`slow${spins}=${library}[SLOW_SPINS=${spins}]`]).allocators;
  return allocator as Allocator;
}

function measure(
  plan: ScheduledPlan,
  rows: Allocator[],
  rounds: number,
  seed: number,
): Promise<TraceMeasurement> {
  return measureTrace({
    plan,
    allocators: rows,
    baseline: rows[0] as Allocator,
    options: {
      ...{
        rounds,
        warmup: 1,
        order: "free",
        touch: "page",
        speed: "max",
        seed,
        maxRounds: rounds,
        idleMs: 0,
      },
      ...{ verify: false, latency: false, memory: false, aa: true, untilWidth: null, roundNs: 0.05e9 },
    },
    run: runRound,
    view: { show: () => undefined },
  });
}

/** The spins that slow the net time by TARGET_SLOWDOWN: a line through what several of them cost. */
async function calibrate(plan: ScheduledPlan): Promise<number> {
  const { rows, baseline, loop } = await measure(plan, SPINS_TRIED.map(slowed), CALIBRATION_ROUNDS, 1);
  const points = rows.slice(1).map((row, index) => {
    const pairs = pairsOf(row.rounds, baseline.rounds, "cpu", loop.rounds);
    const growth = median(pairs.map((pair) => pair.value / pair.baseline)) - 1;
    return { spins: SPINS_TRIED[index + 1] as number, growth };
  });
  for (const { spins, growth } of points) say(`${spins} spins a call: ${percent(growth)} slower`);
  // Least squares; a few spins may hide in the shadow of a cache miss, so the line need not pass through nothing.
  const mean = (of: (point: (typeof points)[number]) => number): number =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [s, g] = [mean((p) => p.spins), mean((p) => p.growth)];
  const slope = mean((p) => (p.spins - s) * (p.growth - g)) / mean((p) => (p.spins - s) ** 2);
  return Math.max(SPIN_STEP, Math.round((s + (TARGET_SLOWDOWN - g) / slope) / SPIN_STEP) * SPIN_STEP);
}

function ratio(
  measurement: TraceMeasurement,
  row: "again" | "slow",
  metric: TimeMetric,
  seed: number,
): RatioInterval | undefined {
  const measured = row === "again" ? measurement.again : measurement.rows[1];
  return comparePairs(
    pairsOf(measured?.rounds ?? [], measurement.baseline.rounds, metric, measurement.loop.rounds),
    seed,
  );
}

try {
  buildLibrary();
  const { path, trace } = await compileGenerated(
    shippedProgram("oltp-tpcc", { events: 25_000, threads: 1 }),
    "generated OLTP load",
    workspace,
  );
  const measuredEvents = trace.measuredEvents + trace.measuredImpliedFrees;
  const plan = { trace: trace.name, path, measuredEvents, peakLiveBytes: trace.peakLiveBytes };
  const spins = await calibrate(plan);
  const done: TraceMeasurement[] = [];
  for (let seed = 1; seed <= comparisons; seed += 1) {
    done.push(await measure(plan, [slowed(0), slowed(spins)], 10, seed));
    if (process.stderr.isTTY) process.stderr.write(`\r${seed} of ${comparisons}`);
  }
  if (process.env.BENCH_AA_OUT) writeFileSync(process.env.BENCH_AA_OUT, JSON.stringify(done));
  say(
    `${comparisons} comparisons of 10 rounds, ${done[0]?.warmPasses} warm passes each, ${spins} spins a call:`,
  );
  let kept = true;
  for (const metric of ["warm", "cpu"] as const) {
    const of = (row: "again" | "slow"): RatioInterval[] =>
      done.flatMap((measurement, index) => ratio(measurement, row, metric, index + 1) ?? []);
    const alarms = of("again").filter((each) => isDifference(each)).length / comparisons;
    const slow = of("slow");
    const found = slow.filter((each) => isDifference(each) && each.median > 1).length / comparisons;
    const growth = median(slow.map((each) => each.median)) - 1;
    kept &&= alarms <= MAX_FALSE_ALARMS && found >= MIN_FOUND;
    say(
      `${metric.padEnd(4)}: A/A called different in ${percent(alarms)} (at most ${percent(MAX_FALSE_ALARMS)}); ` +
        `slowed by ${percent(growth)}, found in ${percent(found)} (at least ${percent(MIN_FOUND)})`,
    );
  }
  if (!kept) process.exitCode = 1;
} finally {
  workspace.dispose();
}
