/**
 * How well `--find-transactions` finds transactions that nobody marked: takes the marks out of traces that have them,
 * searches, and compares. Exit code 1 where precision or recall misses its bar.
 *
 * npx tsx scripts/bench-find-transactions.ts [FILE…]   with files: these traces, which have transactions marked
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type PipelineFilters, packageRoot } from "../src/native.js";
import { runGenerated } from "../src/trace/generated.js";
import { TraceOutput } from "../src/trace/output.js";
import { runTrace } from "../src/trace/source.js";
import { findTransactions } from "../src/trace/transactions.js";
import { formatCount } from "../src/units.js";
import { shippedProgram } from "../src/workload/shipped.js";
import { scoreTransactions } from "./transaction-score.js";

const LEAST_PRECISION = 0.95;
const LEAST_RECALL = 0.7;
const SHIPPED = ["generated/oltp-tpcc.rmt.gz", "recorded/sqlite-tpcc.rmt.gz"];
const SEEDS = [2, 3, 5, 7, 11, 13];
const OTHER_LOADS = [
  { name: "1 thread", workload: { events: 300_000, seed: 17, threads: 1, liveBytes: 2 * 1024 * 1024 } },
  { name: "32 threads", workload: { events: 1_000_000, seed: 19, threads: 32, liveBytes: 16 * 1024 * 1024 } },
];

async function writeTrace(
  path: string,
  run: (onOutput: (bytes: Buffer) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const output = await TraceOutput.open(path, { format: "rmt", force: true });
  try {
    await run((bytes) => output.write(bytes));
    await output.commit();
  } finally {
    await output.discard();
  }
}

const filtered = (from: string, to: string, filters: PipelineFilters): Promise<void> =>
  writeTrace(to, (onOutput) => runTrace(from, { kind: "rmt" }, { filters, onOutput }));

/** Null for a trace without marks. */
async function judge(name: string, marked: string, folder: string): Promise<boolean | null> {
  const unmarked = join(folder, "unmarked.rmt");
  const found = join(folder, "found.rmt");
  await filtered(marked, unmarked, { unmarked: true });
  const started = performance.now();
  const { search, levels } = await findTransactions(unmarked);
  const seconds = (performance.now() - started) / 1000;
  await filtered(unmarked, found, { boundaries: search.boundaries });
  const score = await scoreTransactions(marked, found);
  if (score.marked === 0) {
    process.stdout.write(`${name}: no transactions are marked in it, nothing to compare with\n`);
    return null;
  }
  const met = score.precision >= LEAST_PRECISION && score.recall >= LEAST_RECALL;
  const lives = levels.threads.map(({ chosen, levels: all }) =>
    chosen === null ? "–" : String(all[chosen]?.longestLifeEvents),
  );
  process.stdout.write(
    `${met ? "met   " : "MISSED"} ${name}: precision ${score.precision.toFixed(4)} (${(score.both / score.found).toFixed(4)} ` +
      `without matching transactions), recall ${score.recall.toFixed(4)}; ${formatCount(score.marked)} marked, ` +
      `${formatCount(search.found.phases)} found; ${formatCount(score.positive)} blocks to find, ${formatCount(score.found)} found; ` +
      `lives up to ${[...new Set(lives)].join(", ")} events; ${seconds.toFixed(2)} s\n`,
  );
  return met;
}

const folder = await mkdtemp(join(tmpdir(), "find-transactions-"));
const verdicts: (boolean | null)[] = [];
try {
  const given = process.argv.slice(2);
  const files = given.length > 0 ? given : SHIPPED.map((file) => join(packageRoot, "workloads", file));
  for (const file of files) verdicts.push(await judge(basename(file), file, folder));
  const made = [
    ...SEEDS.map((seed) => ({
      name: `seed ${seed}`,
      workload: { events: 600_000, seed, threads: 4, liveBytes: 6 * 1024 * 1024 },
    })),
    ...OTHER_LOADS,
  ];
  for (const { name, workload } of given.length > 0 ? [] : made) {
    const path = join(folder, "made.rmt");
    await writeTrace(path, (onOutput) =>
      runGenerated(shippedProgram("oltp-tpcc", workload), { kind: "rmt" }, { onOutput }),
    );
    verdicts.push(await judge(`oltp, ${name}`, path, folder));
  }
} finally {
  await rm(folder, { recursive: true });
}
if (verdicts.includes(false)) process.exitCode = 1;
