import type { MeasuredTrace } from "../../src/measure/assemble.js";
import type { ResultFile, TraceResult } from "../../src/measure/measurement.js";
import type { Claim } from "../../src/measure/measurement-bench.js";
import { measuredTrace, resultFile, steadyWorld } from "../measure/sample.js";

export const CLAIMS: readonly Claim[] = [
  {
    ...{ area: "M001", claim: "fast path", target: "85–95 %", protocol: "births without a refill" },
    ...{ unit: "share", command: "replay oltp-point -v", verdict: "met" },
    value: { estimate: 0.98, low: 0.97, high: 0.99 },
  },
  {
    ...{ area: "M001", claim: "time of a call", target: "≈ 20 ns", protocol: "net time of an event" },
    ...{ unit: "ns", command: "replay oltp-point", verdict: "not met", note: "malloc: 15.2 ns" },
    value: { estimate: 47.42, low: 40.41, high: 54.66 },
  },
  {
    ...{ area: "M001", claim: "a transaction", target: "≤ 513 KiB", protocol: "at the peak" },
    ...{ unit: "bytes", command: "bench claims", verdict: "met" },
    value: { estimate: 510_324, low: 509_706, high: 510_699 },
  },
  {
    ...{ area: "tests", claim: "cases", target: "45+", protocol: "the last coverage run" },
    ...{ unit: "", command: "npm run coverage", verdict: "not measured", note: "needs a clone" },
    value: null,
  },
];

/** What a benchmark of made-up allocators gives: two suites, figures, claims, and what has changed. */
export async function benchFile({ cases = 3, peers = 1 } = {}): Promise<ResultFile> {
  const measured: MeasuredTrace[] = [];
  for (const [at, name] of ["hot-path/pairs", "hot-path/batches", "aging/long-running"].entries()) {
    measured.push(await measuredTrace(name, { ...steadyWorld, noise: 0.01 + at / 1e4 }));
  }
  const file = withCases(withPeers(resultFile(measured), peers), cases - 3);
  const hot = file.traces.map(({ name }) => name).filter((name) => name.startsWith("hot-path/"));
  const { geometricMeans, ...rest } = file;
  return {
    ...rest,
    geometricMeans: [],
    bench: {
      suites: [
        { name: "hot-path", title: "small blocks on one thread", cases: hot, means: geometricMeans },
        { name: "aging", title: "populations that grow", cases: ["aging/long-running"], means: [] },
      ],
      figures: [
        {
          ...{ suite: "pressure", name: "adaptive, a sample each 0.1 s", unit: "ns" },
          value: { estimate: 255, low: 245, high: 266 },
        },
      ],
      claims: [...CLAIMS],
      compared: {
        ...{ path: "old.json", date: "2025-01-01T00:00:00.000Z", warnings: ["The kernels differ."] },
        changes: ["rustydb", "jemalloc"].map((allocator, at) => ({
          ...{ trace: "hot-path/pairs", allocator, metric: "warm" as const, different: at === 0 },
          change: at === 0 ? { median: 1.3, low: 1.2, high: 1.4 } : { median: 1.01, low: 0.97, high: 1.05 },
        })),
      },
    },
  };
}

/** The results of jemalloc again under other names, until there are so many peers. */
function withPeers(file: ResultFile, peers: number): ResultFile {
  const more = <T extends { allocator: string }>(all: readonly T[]): T[] =>
    all.flatMap((each) =>
      each.allocator !== "jemalloc"
        ? [each]
        : Array.from({ length: peers }, (_, at) => (at === 0 ? each : { ...each, allocator: `peer-${at}` })),
    );
  return {
    ...file,
    results: more(file.results),
    comparisons: more(file.comparisons),
    geometricMeans: more(file.geometricMeans),
  };
}

/** So many cases more, with the figures of the first. */
function withCases(file: ResultFile, count: number): ResultFile {
  const first = file.traces[0]?.name;
  const names = Array.from({ length: count }, (_, at) => `hot-path/case-${at}`);
  const more = <T extends { trace: string }>(all: readonly T[]): T[] => [
    ...all,
    ...names.flatMap((trace) =>
      all.filter((each) => each.trace === first).map((each) => ({ ...each, trace })),
    ),
  ];
  return {
    ...file,
    traces: [...file.traces, ...names.map((name) => ({ ...(file.traces[0] as TraceResult), name }))],
    results: more(file.results),
    comparisons: more(file.comparisons),
  };
}
