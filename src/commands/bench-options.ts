import { Command } from "commander";
import { DEFAULT_SUITES, SUITE_NAMES } from "../bench/suites.js";
import { collect, share, wholeNumber } from "./option-values.js";
import { addResultOptions, type ResultFlags } from "./result-options.js";

/** What commander makes of the words. */
export interface BenchFlags extends ResultFlags {
  readonly list: boolean;
  readonly allocators?: string[];
  readonly baseline?: string;
  readonly quick: boolean;
  readonly rounds?: number;
  readonly seed: number;
  readonly until?: number;
  readonly maxRounds: number;
  readonly aa: boolean;
  readonly verify: boolean;
  readonly compare?: string;
  readonly subject?: string;
  readonly quiet: boolean;
  readonly tui: boolean;
}

const EXAMPLES = `
Suites:
  hot-path      blocks of 16 to 4096 bytes: pairs, batches, reallocs, random replacement of 2 k to 1 M live
  transactions  filled, committed, aborted, with savepoints, nested
  large         256 KiB to 64 MiB in three fits: reuse, churn, coalescing, huge pages
  threads       1 to twice the CPUs: each for itself, one to the other, many more than CPUs
  aging         a server's weeks, shortened: fragmentation and time
  pressure      what a sample costs the forecaster
  claims        each claim of the design, measured (some minutes; only where it is named)

A name may be a pattern, or one benchmark of a suite: 'hot-path/replace-*'. Each benchmark is a workload of
workloads/bench/, which replay and inspect take as well.

Every allocator has a process of its own in every round, and all take turns in batches: compare ratios, not times.
Exit codes: 0 done, 1 could not, 130 interrupted (what was finished is reported).

Examples:
  $ rustydb-mem bench
  $ rustydb-mem bench hot-path threads --quick
  $ rustydb-mem bench 'hot-path/batches-*' -a rustydb-malloc,jemalloc,mimalloc --baseline jemalloc
  $ rustydb-mem bench hot-path --until 3% --export-json before.json
  $ rustydb-mem bench hot-path --compare before.json
  $ rustydb-mem bench claims
  $ rustydb-mem bench 'claims/m003-*' --subject jemalloc`;

export function benchOptions(): Command {
  const command = new Command("bench")
    .usage("[options] [suite...]")
    .summary("micro-benchmarks of allocators, and the claims")
    .description(
      "Benchmark allocators on small, known loads, side by side; measure each claim of the design.",
    )
    .argument("[suite...]", `any of ${SUITE_NAMES.join(", ")} (default: ${DEFAULT_SUITES.join(", ")})`)
    .option("--list", "name the benchmarks of the suites, and run none", false)
    .option("-a, --allocators <list>", "what to compare, comma-separated, in all suites", collect)
    .option("--baseline <allocator>", "what the others are compared with (default: malloc)")
    .option("--quick", "fewer and shorter benchmarks and rounds, no latencies: is all well?", false)
    .option("-r, --rounds <n>", "timed rounds (default: 6, with --quick 4)", wholeNumber(1))
    .option("--until <share>", "go on until every interval of a benchmark is so narrow, e.g. 2%", share)
    .option("--max-rounds <n>", "where --until ends at the latest", wholeNumber(1), 100)
    .option("--seed <n>", "of the order of rounds and of the intervals", wholeNumber(0), 1)
    .option("--aa", "measure the baseline against itself too: the noise floor", false)
    .option("--no-verify", "leave out the round that checks every block")
    .option("--subject <allocator>", "of claims: measure them on another allocator than ours")
    .option("--compare <file>", "say what has changed since a saved result (--export-json)")
    .option("-q, --quiet", "no progress", false)
    .option("--no-tui", "a progress line in place of the live view");
  return addResultOptions(command).addHelpText("after", EXAMPLES);
}
