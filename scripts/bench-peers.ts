/**
 * The scoreboard: the drop-in malloc beside the peers over the shipped traces of real databases and the generated OLTP
 * one, in one interleaved run each with all the threads merged into one and with the trace's own. Writes Markdown, with host and date.
 *
 * npm run bench:peers [-- --rounds N] [--out docs/scoreboard.md] [trace…]
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { Workspace } from "../src/engine/workspace.js";
import { type AllocatorResult, type ResultFile, resultFileSchema } from "../src/measure/measurement.js";
import { packageRoot } from "../src/native.js";
import { formatBytes } from "../src/units.js";

const OURS = "rustydb-malloc";
const PEERS = ["malloc", "jemalloc", "mimalloc", "tcmalloc"];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "10" },
    out: { type: "string", default: join(packageRoot, "docs", "scoreboard.md") },
  },
});

const shipped = ["recorded", "generated"].flatMap((folder) =>
  readdirSync(join(packageRoot, "workloads", folder))
    .filter((name) => name.endsWith(".rmt.gz"))
    .map((name) => join(packageRoot, "workloads", folder, name)),
);
const traces = positionals.length > 0 ? positionals : shipped;

function measure(threads: string, folder: string): ResultFile {
  const out = join(folder, `threads-${threads}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      join(packageRoot, "bin", "rustydb-mem.js"),
      "replay",
      ...traces,
      ...["-a", [OURS, ...PEERS].join(","), "--baseline", OURS, "--threads", threads],
      ...["-r", flags.rounds, "--no-verify", "--no-latency", "--no-tui", "--export-json", out],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  if (status !== 0) throw new Error(`replay ended with ${status}`);
  return resultFileSchema.parse(JSON.parse(readFileSync(out, "utf8")));
}

interface Measure {
  readonly title: string;
  /** What part of the best is wanted at one thread; with more, never less than all of it. */
  readonly bar: number;
  /** undefined: not measured. */
  value(row: AllocatorResult): number | undefined;
  text(value: number): string;
  /** Of a comparison of a peer with ours, where the figure has an interval. */
  readonly metric?: "warm" | "cold";
}

const nanoseconds = (value: number): string => value.toFixed(2);
const MEASURES: readonly Measure[] = [
  {
    title: "warm, net ns an event",
    bar: 0.95,
    value: ({ warm }) => warm?.netNsPerEvent ?? undefined,
    text: nanoseconds,
    metric: "warm",
  },
  {
    title: "cold, net ns an event",
    bar: 1,
    value: ({ cold }) => cold?.netNsPerEvent ?? undefined,
    text: nanoseconds,
    metric: "cold",
  },
  { title: "peak resident", bar: 1.1, value: ({ memory }) => memory?.peakBytes, text: formatBytes },
  {
    title: "integrated resident",
    bar: Number.POSITIVE_INFINITY,
    value: ({ memory }) => memory?.integratedBytes,
    text: formatBytes,
  },
];

/** One measure over all traces as a table; every row says how far we are from the best of the peers. */
function table(
  result: ResultFile,
  { title, bar: ofOneThread, value, text, metric }: Measure,
  threads: string,
): string[] {
  const bar = threads === "1" ? ofOneThread : Math.max(1, ofOneThread);
  const lines = [
    "",
    `### ${title}`,
    "",
    `| trace | ${OURS} | ${PEERS.join(" | ")} | of the best |`,
    `| --- | ${[OURS, ...PEERS].map(() => "---:").join(" | ")} | ---: |`,
  ];
  const ratios: number[] = [];
  for (const { name } of result.traces) {
    const of = (allocator: string): number | undefined => {
      const row = result.results.find((each) => each.trace === name && each.allocator === allocator);
      return row === undefined ? undefined : value(row);
    };
    const ours = of(OURS);
    const [best] = PEERS.filter((peer) => of(peer) !== undefined).sort(
      (a, b) => (of(a) as number) - (of(b) as number),
    );
    const least = best === undefined ? undefined : of(best);
    const cells = [OURS, ...PEERS].map((each) => {
      const figure = of(each);
      if (figure === undefined) return "–";
      return each === best ? `**${text(figure)}**` : text(figure);
    });
    let judged = "–";
    // Where the loop is all there is, less than nothing may be left of the time.
    if (ours !== undefined && least !== undefined && ours > 0 && least > 0) {
      const ratio = ours / least;
      ratios.push(ratio);
      const against = result.comparisons.find(
        (each) => each.trace === name && each.allocator === best && each.metric === metric,
      );
      // The comparison is the peer's with us.
      const { low, high } = against?.ratio ?? { low: null, high: null };
      const range =
        low === null || high === null ? "" : ` [${(1 / high).toFixed(2)}, ${(1 / low).toFixed(2)}]`;
      judged = `${ratio.toFixed(2)}${range}${ratio <= bar ? "" : " ✗"}`;
    }
    lines.push(`| ${basename(name, ".rmt.gz")} | ${cells.join(" | ")} | ${judged} |`);
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const wanted = Number.isFinite(bar) ? ` Wanted: at most ${bar} on each; ✗ marks where it is missed.` : "";
  lines.push("", `Geometric mean of the last column: **${mean.toFixed(3)}**.${wanted}`);
  return lines;
}

const workspace = new Workspace();
try {
  const text = ["# Scoreboard", ""];
  const runs: [string, string][] = [
    ["1", "One thread"],
    ["0", "The threads of the trace"],
  ];
  for (const [threads, heading] of runs) {
    const result = measure(threads, workspace.path);
    if (threads === "1") {
      const { host, date } = result;
      const versions = PEERS.map((peer) => {
        const row = result.results.find(({ allocator }) => allocator === peer);
        return row?.library === undefined ? peer : `${peer} (${basename(row.library)})`;
      });
      text.push(
        `\`npm run bench:peers\` on ${date.slice(0, 10)}: ${host.cpuModel}, ${host.cores} CPUs${host.virtualMachine ? " (virtual)" : ""}, ` +
          `Linux ${host.kernel}, glibc ${host.libc}. ${flags.rounds} interleaved rounds; ${OURS} and the peers (${versions.join(", ")}) are ` +
          "preloaded and called in the same way. Net: less what the loop costs with nothing behind it. The best of the peers is bold.",
      );
    }
    text.push("", `## ${heading}`);
    for (const each of MEASURES) text.push(...table(result, each, threads));
    for (const warning of result.warnings) text.push("", `Note: ${warning}`);
  }
  writeFileSync(flags.out, `${text.join("\n")}\n`);
  process.stdout.write(`${flags.out}\n`);
} finally {
  workspace.dispose();
}
