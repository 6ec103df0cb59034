import { Command, Option } from "commander";
import { byteLimit, collect, milliseconds, share, wholeNumber } from "./option-values.js";
import { addResultOptions, type ResultFlags } from "./result-options.js";

/** What commander makes of the words. */
export interface ReplayFlags extends ResultFlags {
  readonly allocators?: string[];
  readonly baseline?: string;
  readonly rounds: number;
  readonly warmup: number;
  readonly threads: number;
  readonly touch: "first" | "page" | "all" | "none";
  readonly speed: "max" | "1x";
  readonly order: "free" | "recorded";
  readonly seed: number;
  readonly verify: boolean;
  readonly latency: boolean;
  readonly memory: boolean;
  readonly forecast: boolean;
  readonly limit?: number;
  readonly purge: boolean;
  readonly until?: number;
  readonly maxRounds: number;
  readonly aa: boolean;
  readonly idle: number;
  readonly quiet: boolean;
  readonly tui: boolean;
}

const EXAMPLES = `
Allocators:
  rustydb, slab, arena, large   ours (all together; each alone, the rest to malloc)
  rustydb-malloc                ours as a malloc: preloaded, told neither sizes nor transactions
  malloc                        the C library's
  jemalloc, mimalloc, tcmalloc, tbbmalloc   where they are installed
  name=/path/lib.so             any library that defines malloc
  arena@jemalloc                one of ours over another malloc
  jemalloc[MALLOC_CONF=narenas:4]   with settings
  rustydb[config=big.toml]      one of ours so configured; rustydb-mem config show prints such a file
  none                          nothing: the cost of the loop
  all                           ours, malloc and every installed peer (what runs by default)

Examples:
  $ rustydb-mem replay trace.rmt.gz
  $ rustydb-mem replay trace.zip -a rustydb,malloc,jemalloc --rounds 20 --aa
  $ rustydb-mem replay a.rmt b.rmt -a all --until 2% --export-json result.json
  $ rustydb-mem replay trace.rmt -a 'rustydb,rustydb[config=big-pages.toml],malloc'
  $ rustydb-mem replay leak-to-oom --forecast --limit 700MiB --purge
  $ rustydb-mem replay trace.rmt --json --quiet | jq .comparisons`;

/** The options of `replay`, without an action. */
export function replayOptions(): Command {
  const command = new Command("replay")
    .usage("[options] <trace...>")
    .summary("replay traces through allocators, side by side")
    .description(
      "Replay allocation traces through allocators, side by side: time, memory, latency, each in a process of its own.",
    )
    .argument(
      "<trace...>",
      "traces in any format that inspect reads, or workloads, shipped or files .yaml; - is standard input",
    )
    .option("-a, --allocators <list>", "what to compare, comma-separated; may be repeated", collect)
    .option("--baseline <allocator>", "what the others are compared with (default: malloc)")
    .option("-r, --rounds <n>", "timed rounds of each allocator", wholeNumber(1), 10)
    .option("-w, --warmup <n>", "rounds before them that do not count", wholeNumber(1), 1)
    .option("--threads <n>", "replaying threads; 0: those of the trace", wholeNumber(0), 0)
    .addOption(
      new Option("--touch <what>", "what is written of a new block")
        .choices(["first", "page", "all", "none"])
        .default("page"),
    )
    .addOption(
      new Option("--speed <speed>", "as fast as it goes, or as the trace went")
        .choices(["max", "1x"])
        .default("max"),
    )
    .addOption(
      new Option("--order <order>", "of timed rounds: threads run free, or take turns as recorded")
        .choices(["free", "recorded"])
        .default("free"),
    )
    .option("--seed <n>", "of the order of rounds and of the intervals", wholeNumber(0), 1)
    .option("--until <share>", "go on until every interval is so narrow, e.g. 2%", share)
    .option("--max-rounds <n>", "where --until ends at the latest", wholeNumber(1), 100)
    .option("--aa", "measure the baseline against itself too: the noise floor", false)
    .option("--idle <time>", "after the memory round wait so long and look again, e.g. 30s", milliseconds, 0)
    .option("--no-verify", "leave out the round that checks every block")
    .option("--no-latency", "leave out the round that times every operation")
    .option("--no-memory", "leave out the round that weighs memory")
    .option(
      "--forecast",
      "when would the early warning have warned, as memory went over the trace's time",
      false,
    )
    .option(
      "--limit <size>",
      "of --forecast: the memory there is, e.g. 8GiB (default: what the trace's samples tell)",
      byteLimit,
    )
    .option("--purge", "of --forecast: let allocators give memory back when warned, in one more round", false)
    .option("-q, --quiet", "no progress", false)
    .option("--no-tui", "a progress line in place of the live view");
  return addResultOptions(command).addHelpText("after", EXAMPLES);
}
