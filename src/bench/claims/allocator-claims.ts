import { formatBytes } from "../../units.js";
import { type ClaimSpec, type Finding, findingOf, type NotMeasured } from "./claim.js";
import type { Load, Reading } from "./lab.js";
import { rawTimePairs, timePairs } from "./lab.js";

const OLTP: Load = {
  workload: "oltp-point",
  overrides: { events: 300_000, threads: 1 },
  subject: "rustydb",
  what: "memory",
};
const SHOW_OLTP = "replay oltp-point --threads 1 -v";
const TPCC: Load = { ...OLTP, workload: "oltp-tpcc", subject: "rustydb" };
const LOBS: Load = {
  workload: "lob-ingest",
  overrides: { events: 20_000, threads: 1 },
  subject: "rustydb",
  what: "memory",
};
const ROLLED_BACK = { transactions: 200, blocks: 200 };
const CHURN: Load = { workload: "bench/large/churn", subject: "large", what: "memory" };

type Stats = Readonly<Record<string, number>>;

const stat = (stats: Stats, name: string): number => stats[name] ?? Number.NaN;

const NO_COUNTERS: NotMeasured = { why: "this allocator does not count it" };

/** A share that the allocator counts, one a seed. */
async function counted(
  readings: Promise<Reading[]>,
  of: (stats: Stats, reading: Reading) => number,
): Promise<Finding | NotMeasured> {
  const values = (await readings).map((reading) => of(reading.ours.stats, reading));
  return values.every(Number.isNaN) ? NO_COUNTERS : findingOf(values);
}

/** Memory beyond what was asked for, at the peak. */
const overheadOf = (reading: Reading, of: "ours" | "malloc"): number => {
  const memory = reading[of].memory;
  return memory === undefined ? Number.NaN : memory.peakBytes - memory.peakLiveBytes;
};

const peakRatio = ({ ours, malloc }: Reading): number =>
  (ours.memory?.peakBytes ?? Number.NaN) / (malloc.memory?.peakBytes ?? Number.NaN);

export const slabClaims: readonly ClaimSpec[] = [
  {
    area: "M001",
    claim: "fast-path hit rate",
    target: { atLeast: 0.85, text: "85–95 %" },
    unit: "share",
    protocol:
      "births that no refill of a magazine went before, oltp-point on one thread, several seeds, all blocks to slabs",
    command: SHOW_OLTP,
    measure: (lab) =>
      counted(
        lab.readings({ ...OLTP, subject: "slab" }),
        (stats, { births }) => 1 - stat(stats, "magazineRefills") / births,
      ),
  },
  {
    area: "M001",
    claim: "time of a call",
    target: { atMost: 20, text: "≈ 20 ns" },
    unit: "ns",
    protocol: "net time of an event of oltp-point on one thread, warm",
    command: SHOW_OLTP,
    measure: async (lab) => {
      const reading = await lab.reading({ ...OLTP, what: "time" });
      return findingOf(timePairs(reading).map(({ value }) => value / reading.operations));
    },
  },
  {
    area: "M001",
    claim: "time of a standard call",
    target: { atLeast: 150, text: "≈ 200 ns" },
    unit: "ns",
    protocol: "the same through the malloc of the C library",
    command: SHOW_OLTP,
    measure: async (lab) => {
      const reading = await lab.reading({ ...OLTP, what: "time" });
      return findingOf(timePairs(reading).map(({ baseline }) => baseline / reading.operations));
    },
  },
  {
    area: "M001",
    claim: "overhead of memory, less than malloc's by",
    target: { atLeast: 0.18, text: "18–22 %" },
    unit: "share",
    protocol: "what is taken beyond what is alive at the peak, oltp-point on one thread, several seeds",
    command: SHOW_OLTP,
    measure: async (lab) =>
      findingOf(
        (await lab.readings(OLTP)).map((each) => 1 - overheadOf(each, "ours") / overheadOf(each, "malloc")),
      ),
  },
];

export const arenaClaims: readonly ClaimSpec[] = [
  {
    area: "M003",
    claim: "fragmentation, less than malloc's by",
    target: { atLeast: 0.12, text: "12–18 %" },
    unit: "share",
    protocol: "memory at the peak over what is alive, less one; oltp-tpcc on one thread, several seeds",
    command: "replay oltp-tpcc --threads 1",
    measure: async (lab) =>
      findingOf(
        (await lab.readings(TPCC)).map(
          ({ ours, malloc }) =>
            1 -
            (ours.memory?.fragmentationAtPeak ?? Number.NaN) /
              (malloc.memory?.fragmentationAtPeak ?? Number.NaN),
        ),
      ),
  },
  {
    area: "M003",
    claim: "speed, more than malloc's by",
    target: { atLeast: 0.45, text: "45 %" },
    unit: "share",
    protocol: "net time of transactions of 500 KB that are rolled back (bench transactions/abort), warm",
    command: "bench transactions/abort",
    measure: async (lab) => {
      const load: Load = { workload: "bench/transactions/abort", subject: "arena", what: "time" };
      return findingOf(timePairs(await lab.reading(load)).map(({ value, baseline }) => baseline / value - 1));
    },
  },
  {
    area: "M003",
    claim: "rollback",
    target: { atMost: 1000, text: "< 1 µs" },
    unit: "ns",
    protocol: `the rollback alone of a transaction of ${ROLLED_BACK.blocks} blocks of 128 bytes, ${ROLLED_BACK.transactions} of them open at once`,
    measure: async (lab) => {
      const { transactions, blocks } = ROLLED_BACK;
      const load: Load = {
        csv: { name: "rolled back", text: () => rollbacks(transactions, blocks) },
        subject: "arena",
        what: "time",
      };
      return findingOf(timePairs(await lab.reading(load)).map(({ value }) => value / transactions));
    },
  },
  {
    area: "M003",
    claim: "metadata, of what is alive",
    target: { atMost: 0.05, text: "3–5 %" },
    unit: "share",
    protocol: "bytes of metadata over live bytes at the peak, oltp-tpcc on one thread, several seeds",
    command: "replay oltp-tpcc --threads 1 -v",
    measure: (lab) =>
      counted(
        lab.readings(TPCC),
        (stats, { measured }) => stat(stats, "metadataBytes") / measured.trace.peakLiveBytes,
      ),
  },
  {
    area: "M003",
    claim: "throughput of transactions, more than on malloc by",
    target: { atLeast: 0.08, text: "8–12 %" },
    unit: "share",
    protocol: "oltp-tpcc on one thread, with all that the replay does beside allocating",
    command: "replay oltp-tpcc --threads 1",
    measure: async (lab) =>
      findingOf(
        rawTimePairs(await lab.reading({ ...TPCC, what: "time" })).map(
          ({ value, baseline }) => baseline / value - 1,
        ),
      ),
  },
];

export const largeClaims: readonly ClaimSpec[] = [
  {
    area: "M004",
    claim: "overhead of memory, less than malloc's by",
    target: { atLeast: 0.08, text: "8–12 %" },
    unit: "share",
    protocol: "memory at the peak, bench large/churn, several seeds",
    command: "bench large/churn",
    measure: async (lab) => findingOf((await lab.readings(CHURN)).map((each) => 1 - peakRatio(each))),
  },
  {
    area: "M004",
    claim: "coalescing efficiency",
    target: { atLeast: 0.7, text: "70–85 %" },
    unit: "share",
    protocol: "freed runs of pages that joined a free neighbour, lob-ingest on one thread, several seeds",
    command: "replay lob-ingest --threads 1 -v",
    measure: (lab) =>
      counted(lab.readings(LOBS), (stats) => stat(stats, "runCoalesces") / stat(stats, "runFrees")),
  },
  {
    area: "M004",
    claim: "free-list hits",
    target: { atLeast: 0.6, text: "60–75 %" },
    unit: "share",
    protocol: "runs of pages that were there already, lob-ingest on one thread, several seeds",
    command: "replay lob-ingest --threads 1 -v",
    measure: (lab) =>
      counted(lab.readings(LOBS), (stats) => stat(stats, "runFreeListHits") / stat(stats, "runAllocations")),
  },
  {
    area: "M004",
    claim: "fragmentation",
    target: { atMost: 0.25, text: "0.15–0.25" },
    unit: "ratio",
    protocol: "memory at the peak over what is alive, less one; lob-ingest on one thread, several seeds",
    command: "replay lob-ingest --threads 1",
    measure: async (lab) =>
      findingOf((await lab.readings(LOBS)).map(({ ours }) => ours.memory?.fragmentationAtPeak ?? Number.NaN)),
  },
  {
    area: "M004",
    claim: "fragmentation of malloc",
    target: { atLeast: 0.4, text: "0.40–0.60" },
    unit: "ratio",
    protocol: "the same through the malloc of the C library",
    command: "replay lob-ingest --threads 1",
    measure: async (lab) =>
      findingOf(
        (await lab.readings(LOBS)).map(({ malloc }) => malloc.memory?.fragmentationAtPeak ?? Number.NaN),
      ),
  },
  {
    area: "M004",
    claim: "huge pages, of what could lie in them",
    target: { atLeast: 0.85, text: "85–95 %" },
    unit: "share",
    protocol: "most bytes in huge pages over most bytes taken, bench large/huge-pages, several seeds",
    command: "bench large/huge-pages",
    measure: async (lab) => {
      const readings = await lab.readings({ ...CHURN, workload: "bench/large/huge-pages" });
      return findingOf(
        readings.map(({ ours: { memory } }) =>
          memory?.hugePageBytes === undefined ? Number.NaN : memory.hugePageBytes / memory.peakBytes,
        ),
      );
    },
  },
];

/** Transactions of equal size that are all open; what is measured is that they are rolled back. */
function rollbacks(transactions: number, blocks: number): string {
  const rows = ["event,id,size,scope,dies_with_scope,text"];
  const scopes = Array.from({ length: transactions }, (_, index) => index + 1);
  for (const scope of scopes) rows.push(`begin,${scope},,,,`);
  for (let at = 0; at < blocks; at += 1)
    for (const scope of scopes) rows.push(`alloc,${at * transactions + scope},128,${scope},1,`);
  rows.push("mark,,,,,start");
  for (const scope of scopes) rows.push(`abort,${scope},,,,`);
  return `${rows.join("\n")}\n`;
}

/** Open transactions of `bytes` each, all at once, of blocks as rows, locks and metadata are. */
function openTransactions(count: number, bytes: number): string {
  const rows = ["event,id,size,scope,dies_with_scope"];
  const sizes = [64, 150, 384, 96, 240, 512, 64, 120, 1024, 192];
  let block = 0;
  for (let at = 1; at <= count; at += 1) rows.push(`begin,${at},,,`);
  const left = Array.from({ length: count }, () => bytes);
  for (let turn = 0; left.some((each) => each > 0); turn += 1) {
    for (let at = 0; at < count; at += 1) {
      const size = Math.min(left[at] as number, sizes[(turn + at) % sizes.length] as number);
      if (size <= 0) continue;
      left[at] = (left[at] as number) - size;
      block += 1;
      rows.push(`alloc,${block},${size},${at + 1},1`);
    }
  }
  for (let at = 1; at <= count; at += 1) rows.push(`commit,${at},,,`);
  return `${rows.join("\n")}\n`;
}

function footprint(name: string, bytes: number, count: number, most: number): ClaimSpec {
  return {
    area: "footprint",
    claim: `a transaction of ${name}`,
    target: { atMost: most, text: `≤ ${formatBytes(most)}` },
    unit: "bytes",
    protocol: `memory at the peak of ${count} such transactions that are open at once, a transaction`,
    measure: async (lab) => {
      const peaks: number[] = [];
      const others: number[] = [];
      // Not the same count each time: the last pages of an arena are part of the answer.
      for (const more of [0, 1, 2, 3, 5]) {
        const load: Load = {
          csv: {
            name: `${count + more} open of ${bytes}`,
            text: () => openTransactions(count + more, bytes),
          },
          subject: "arena",
          what: "memory",
        };
        const { ours, malloc } = await lab.reading(load);
        peaks.push((ours.memory?.peakBytes ?? Number.NaN) / (count + more));
        others.push((malloc.memory?.peakBytes ?? Number.NaN) / (count + more));
      }
      const beside = findingOf(others);
      const note = "why" in beside ? undefined : `malloc: ${formatBytes(beside.estimate)}`;
      return findingOf(peaks, note);
    },
  };
}

export const footprintClaims: readonly ClaimSpec[] = [
  footprint("10 KB", 10e3, 1000, 12e3),
  footprint("500 KB", 500e3, 20, 525e3),
  footprint("5 MB", 5e6, 4, 5.15e6),
];
