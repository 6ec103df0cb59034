import { availableParallelism } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../native.js";
import type { WorkloadOverrides } from "../workload/compile.js";

/** One benchmark: a workload, replayed. */
export interface BenchCase {
  /** Within its suite. */
  readonly name: string;
  /** A workload file. */
  readonly workload: string;
  readonly overrides?: WorkloadOverrides;
  /** Only the first byte of each block is written: what counts is the call. Nothing is checked or weighed, which would write all. */
  readonly untouched?: boolean;
}

export interface BenchSuite {
  readonly name: SuiteName;
  readonly title: string;
  /** Allocators by default, as -a names them; a peer that is not installed is left out. */
  readonly allocators: readonly string[];
  readonly cases: readonly BenchCase[];
  /** Transactions are what is measured; else they are left out of the trace, and blocks are all there is. */
  readonly transactions: boolean;
  /** Also weigh memory, and sample latency. */
  readonly memory: boolean;
  readonly latency: boolean;
}

export const SUITE_NAMES = [
  "hot-path",
  "transactions",
  "large",
  "threads",
  "aging",
  "pressure",
  "claims",
] as const;
export type SuiteName = (typeof SUITE_NAMES)[number];

/** Claims measure long, and are asked for by name. */
export const DEFAULT_SUITES: readonly SuiteName[] = SUITE_NAMES.filter((name) => name !== "claims");

const MALLOCS = ["rustydb-malloc", "malloc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc"];

/** What `large` compares of ours: the three fits, by files that it writes. */
export const FITS = ["best", "first", "worst"] as const;

const AGING_EVENTS = { usual: 500_000, quick: 100_000 };

function file(suite: string, name: string): string {
  return join(packageRoot, "workloads", "bench", suite, `${name}.yaml`);
}

function cases(suite: string, names: readonly string[]): BenchCase[] {
  return names.map((name) => ({ name, workload: file(suite, name) }));
}

/** 1, 2, 4, … up to twice the CPUs. */
function threadCounts(cpus: number): number[] {
  const counts: number[] = [];
  for (let threads = 1; threads < 2 * cpus; threads *= 2) counts.push(threads);
  return [...counts, 2 * cpus];
}

/** The suites that replay workloads. @param quick shorter ones, to see that all is well */
export function replaySuites(quick: boolean, cpus = availableParallelism()): BenchSuite[] {
  const hot = [
    "pairs",
    "pairs-mixed",
    "pairs-4k",
    "batches-16",
    "batches-1000",
    "batches-1000-any",
    "growing",
  ];
  const suites: BenchSuite[] = [
    {
      name: "hot-path",
      title: "small blocks on one thread",
      allocators: ["rustydb", ...MALLOCS],
      cases: cases("hot-path", [...hot, "replace-2k", "replace-100k", "replace-1m"]),
      transactions: false,
      memory: false,
      latency: true,
    },
    {
      name: "transactions",
      title: "blocks that die with their transaction",
      allocators: ["rustydb", "arena", ...MALLOCS],
      cases: cases("transactions", ["fill", "commit", "abort", "savepoints", "nested"]),
      transactions: true,
      memory: true,
      latency: true,
    },
    {
      name: "large",
      title: "256 KiB to 64 MiB",
      allocators: [...FITS.map((fit) => `rustydb[fit=${fit}]`), ...MALLOCS],
      cases: [
        // What reuse costs is hidden behind the writes where all pages are written to.
        ...cases("large", ["reuse", "reuse-64m"]).map((each) => ({ ...each, untouched: true })),
        ...cases("large", ["churn", "coalescing", "huge-pages"]),
      ],
      transactions: false,
      memory: true,
      latency: false,
    },
    {
      name: "threads",
      title: "many threads",
      allocators: ["rustydb", ...MALLOCS],
      cases: [
        ...threadCounts(cpus).map((threads) => ({
          name: `local-${threads}`,
          workload: file("threads", "local"),
          overrides: { threads },
        })),
        ...cases("threads", ["handover", "storm"]),
      ],
      transactions: false,
      memory: false,
      latency: false,
    },
    {
      name: "aging",
      title: "populations that grow, shrink and change their sizes",
      allocators: ["rustydb", ...MALLOCS],
      cases: [
        {
          name: "long-running",
          workload: "long-running-aging",
          overrides: { events: quick ? AGING_EVENTS.quick : AGING_EVENTS.usual, threads: 1 },
        },
      ],
      transactions: true,
      memory: true,
      latency: false,
    },
  ];
  // Whether all is well shows in times, checks, and the memory of what ages.
  return quick
    ? suites.map((suite) => ({ ...suite, latency: false, memory: suite.name === "aging" }))
    : suites;
}
