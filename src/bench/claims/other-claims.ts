import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../../native.js";
import { formatDuration, formatPercent } from "../../units.js";
import { dataMisses } from "./cachegrind.js";
import { type ClaimSpec, type Finding, findingOf, type NotMeasured } from "./claim.js";
import type { Lab, Load, Part, Reading } from "./lab.js";

const CACHE_LOAD: Load = {
  workload: "oltp-point",
  overrides: { events: 60_000, threads: 1 },
  subject: "rustydb",
  what: "time",
};

export const cacheClaims: readonly ClaimSpec[] = [
  {
    area: "M001",
    claim: "cache efficiency, more than malloc's by",
    target: { atLeast: 0.4, text: "40 %" },
    unit: "share",
    protocol:
      "misses of the first data cache, simulated by cachegrind, less those of the empty loop: oltp-point on one thread, three seeds",
    measure: async (lab) => {
      const gains: number[] = [];
      for (let seed = 1; seed <= 3; seed += 1) {
        const misses = await dataMisses(lab, CACHE_LOAD, seed);
        if ("why" in misses) return misses;
        gains.push(misses.malloc / misses.ours - 1);
      }
      return findingOf(gains);
    },
  },
];

/** Median latency of an allocation, without the clock's own cost. */
function latencyClaim(claim: string, target: ClaimSpec["target"], load: Load, command: string): ClaimSpec {
  const of = ({ measured }: Reading, row: Reading["ours"]): number =>
    Math.max(0, (row.latency?.alloc?.p50 ?? Number.NaN) - (measured.measurement.loop.hello?.clockNs ?? 0));
  return {
    area: "latency",
    claim,
    target,
    unit: "ns",
    protocol: `median of single allocations less a reading of the clock, ${load.workload}, several seeds`,
    command,
    measure: async (lab) => {
      const readings = await lab.readings(load);
      const beside = findingOf(readings.map((each) => of(each, each.malloc)));
      return findingOf(
        readings.map((each) => of(each, each.ours)),
        "why" in beside ? undefined : `malloc: ${formatDuration(beside.estimate)}`,
      );
    },
  };
}

export const latencyClaims: readonly ClaimSpec[] = [
  latencyClaim(
    "hot path",
    { atMost: 40, text: "20–40 ns (from 200)" },
    {
      workload: "oltp-point",
      overrides: { events: 300_000, threads: 1 },
      subject: "rustydb",
      what: "latency",
    },
    "replay oltp-point --threads 1",
  ),
  latencyClaim(
    "more than 256 KB",
    { atMost: 6000, text: "3–6 µs (from 5–10)" },
    { workload: "bench/large/churn", subject: "large", what: "latency", touch: "first" },
    "replay workloads/bench/large/churn.yaml --touch first",
  ),
  latencyClaim(
    "in a transaction",
    { atMost: 30, text: "15–30 ns (from 100–200)" },
    { workload: "bench/transactions/commit", subject: "arena", what: "latency" },
    "bench transactions/commit",
  ),
];

/** Memory over live bytes, less one, each event counting the same. */
function meanFragmentation(row: Reading["ours"]): number {
  let bytes = 0;
  let live = 0;
  const points = row.memory?.timeline ?? [];
  for (const [index, point] of points.entries()) {
    const events = (points[index + 1]?.event ?? point.event) - point.event;
    bytes += point.bytes * events;
    live += point.liveBytes * events;
  }
  return live === 0 ? Number.NaN : bytes / live - 1;
}

function longRunClaim(claim: string, subject: Part, most: number, text: string): ClaimSpec {
  return {
    area: "long run",
    claim,
    target: { atMost: most, text },
    unit: "share",
    protocol:
      "memory over what is alive, less one, over all of long-running-aging: its phases in a million events, on one thread, several seeds",
    command: "bench aging",
    measure: async (lab) => {
      const readings = await lab.readings({
        workload: "long-running-aging",
        overrides: { events: 1_000_000, threads: 1 },
        subject,
        what: "memory",
      });
      const beside = findingOf(readings.map(({ malloc }) => meanFragmentation(malloc)));
      return findingOf(
        readings.map(({ ours }) => meanFragmentation(ours)),
        "why" in beside ? undefined : `malloc: ${formatPercent(beside.estimate)}`,
      );
    },
  };
}

export const longRunClaims: readonly ClaimSpec[] = [
  longRunClaim("fragmentation", "rustydb", 0.12, "8–12 % (from 34–40)"),
  longRunClaim("fragmentation, arenas", "arena", 0.15, "10–15 % (from 25–30)"),
  longRunClaim("fragmentation, large objects", "large", 0.25, "15–25 % (from 40–50)"),
];

/** Written by `npm run coverage`: shares of lines, and how many tests ran. */
const coverageSchema = z.object({
  tests: z.number(),
  nativeLines: z.number(),
  typescriptLines: z.number(),
});

function coverage(): z.infer<typeof coverageSchema> | NotMeasured {
  const path = join(packageRoot, "coverage", "summary.json");
  if (!existsSync(path))
    return { why: "needs a run of the tests with coverage: npm run coverage, in a clone" };
  return coverageSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** Counted, not sampled: there is nothing uncertain about it. */
const exactly = (value: number): Finding => ({ estimate: value, low: value, high: value });

function coverageClaim(
  claim: string,
  target: ClaimSpec["target"],
  unit: string,
  of: (found: z.infer<typeof coverageSchema>) => number,
): ClaimSpec {
  return {
    area: "tests",
    claim,
    target,
    unit,
    protocol: "the last coverage run of this checkout",
    command: "npm run coverage",
    measure: async () => {
      const found = coverage();
      return "why" in found ? found : exactly(of(found));
    },
  };
}

export const testClaims: readonly ClaimSpec[] = [
  coverageClaim("cases", { atLeast: 45, text: "45+" }, "", ({ tests }) => tests),
  coverageClaim(
    "lines of native code covered",
    { atLeast: 0.85, text: "85–90 %" },
    "share",
    (each) => each.nativeLines,
  ),
  coverageClaim(
    "lines of TypeScript covered",
    { atLeast: 0.85, text: "85–90 %" },
    "share",
    (each) => each.typescriptLines,
  ),
];

export const machineClaims: readonly ClaimSpec[] = [
  {
    area: "M001",
    claim: "effects of more than one NUMA node",
    target: { atMost: 1, text: "local memory" },
    unit: "",
    protocol: "–",
    command: "doctor",
    measure: async (lab: Lab) => numa(lab),
  },
];

/** Nodes that have memory; the heap binds none, so that more of them would not be measured either. */
function numa(_lab: Lab): NotMeasured {
  const path = "/sys/devices/system/node/has_memory";
  const nodes = existsSync(path) ? readFileSync(path, "utf8").trim() : "0";
  return /^\d+$/.test(nodes)
    ? { why: "this machine has one NUMA node" }
    : { why: `this machine has the NUMA nodes ${nodes}, but this tool does not bind memory to nodes yet` };
}
