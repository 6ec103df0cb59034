import type { AllocatorResult, Comparison, ResultFile } from "../measure/measurement.js";

type Labels = { readonly trace: string; readonly allocator: string };

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly value: (result: AllocatorResult, comparison: (metric: string) => Comparison | undefined) => Value;
}

type Value = number | null | undefined;

const seconds = (ns: Value): Value => (ns === undefined || ns === null ? ns : ns / 1e9);

/** Base units throughout, as Prometheus has it. What is not known has no series. */
const METRICS: readonly Metric[] = [
  {
    name: "time_ratio",
    help: "Time of warm passes over that of the baseline in the same rounds, median.",
    value: (_, comparison) => comparison("warm")?.ratio.median,
  },
  {
    name: "time_low_ratio",
    help: "Lower end of the 95 % interval of the time ratio.",
    value: (_, comparison) => comparison("warm")?.ratio.low,
  },
  {
    name: "time_high_ratio",
    help: "Upper end of the 95 % interval of the time ratio.",
    value: (_, comparison) => comparison("warm")?.ratio.high,
  },
  {
    name: "event_seconds",
    help: "Time per event in warm passes, without the cost of the replay loop.",
    value: ({ warm }) => seconds(warm?.netNsPerEvent),
  },
  {
    name: "event_cold_seconds",
    help: "Time per event in the first pass, without the cost of the replay loop.",
    value: ({ cold }) => seconds(cold?.netNsPerEvent),
  },
  {
    name: "alloc_p99_seconds",
    help: "99th percentile of the time of an allocation.",
    value: ({ latencyNs }) => seconds(latencyNs?.alloc?.p99),
  },
  {
    name: "alloc_max_seconds",
    help: "Longest time of an allocation.",
    value: ({ latencyNs }) => seconds(latencyNs?.alloc?.max),
  },
  {
    name: "peak_bytes",
    help: "Most memory that the allocator took.",
    value: ({ memory }) => memory?.peakBytes,
  },
  {
    name: "peak_live_bytes",
    help: "Most memory that the trace asked for at a time.",
    value: ({ memory }) => memory?.peakLiveBytes,
  },
  {
    name: "end_bytes",
    help: "Memory that the allocator held at the end.",
    value: ({ memory }) => memory?.endBytes,
  },
  {
    name: "fragmentation_ratio",
    help: "Memory at the peak over live memory, less one.",
    value: ({ memory }) => memory?.fragmentationAtPeak,
  },
  {
    name: "verified",
    help: "1 where every block was checked and right, 0 where one was not.",
    value: ({ verified }) => (verified === null ? null : Number(verified)),
  },
  {
    name: "failed",
    help: "1 where the replay failed.",
    value: ({ failure }) => Number(failure !== undefined),
  },
];

/** The figures in the text format of Prometheus, for the textfile collector of node_exporter. */
export async function prometheusReport(file: ResultFile): Promise<string> {
  const { Gauge, Registry } = await import("prom-client");
  const registers = [new Registry()];
  const results = file.results.filter(({ route }) => route !== "none");
  for (const { name, help, value } of METRICS) {
    const labelNames = ["trace", "allocator"] as const;
    const gauge = new Gauge({ name: `rustydb_mem_replay_${name}`, help, labelNames, registers });
    for (const result of results) {
      const { trace, allocator } = result;
      const comparison = (metric: string): Comparison | undefined =>
        file.comparisons.find(
          (each) =>
            each.trace === trace && each.allocator === allocator && each.metric === metric && each.net,
        );
      const found = value(result, comparison);
      const labels: Labels = { trace, allocator };
      if (found !== undefined && found !== null) gauge.set(labels, found);
    }
  }
  const at = new Gauge({
    name: "rustydb_mem_replay_completion_timestamp_seconds",
    help: "When the run that gave these figures ended.",
    registers,
  });
  at.set(Date.parse(file.date) / 1000);
  const info = new Gauge({
    name: "rustydb_mem_replay_info",
    help: "By what, and against what.",
    labelNames: ["version", "baseline", "cpu", "partial"],
    registers,
  });
  const { tool, options, host, partial } = file;
  info.set(
    { version: tool.version, baseline: options.baseline, cpu: host.cpuModel, partial: String(partial) },
    1,
  );
  return (await registers[0]?.metrics()) ?? "";
}
