import type { Builder } from "junit-report-builder";
import type { AllocatorResult, ResultFile, TraceResult } from "../measure/measurement.js";

/** What XML 1.0 cannot hold, as the sign for what cannot be shown. */
function xmlText(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}

/** Seconds that the timed rounds took. */
function measuredSeconds({ rounds }: AllocatorResult): number {
  const ns = rounds.reduce((sum, { coldNs, warmNs }) => sum + coldNs + warmNs.reduce((a, b) => a + b, 0), 0);
  return Math.round(ns / 1e3) / 1e6;
}

/** Peers that `all` stands for and that are not installed, from the warnings that say so. */
function missingPeers(file: ResultFile): { name: string; warning: string }[] {
  return file.warnings.flatMap((warning) => {
    const name = /^(\w+) is not installed and was left out/.exec(warning)?.[1];
    return name === undefined ? [] : [{ name, warning }];
  });
}

function properties(file: ResultFile, trace: TraceResult, result: AllocatorResult): [string, string][] {
  const ratio = file.comparisons.find(
    (each) =>
      each.trace === trace.name && each.allocator === result.allocator && each.metric === "warm" && each.net,
  )?.ratio;
  const figures: [string, string | number | null | undefined][] = [
    ["baseline", file.options.baseline],
    ["library", result.library],
    ["version", result.version],
    ["warm_ratio", ratio?.median],
    ["warm_ratio_low", ratio?.low],
    ["warm_ratio_high", ratio?.high],
    ["warm_net_ns_per_event", result.warm?.netNsPerEvent],
    ["warm_raw_ns_per_event", result.warm?.rawNsPerEvent],
    ["cold_net_ns_per_event", result.cold?.netNsPerEvent],
    ["alloc_p99_ns", result.latencyNs?.alloc?.p99],
    ["peak_bytes", result.memory?.peakBytes],
    ["fragmentation_at_peak", result.memory?.fragmentationAtPeak],
  ];
  return figures.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, String(value)] as [string, string]],
  );
}

/**
 * JUnit's XML: a suite a trace, a case an allocator. A case fails where the check of the blocks or the replay did, and
 * is skipped where the allocator is not installed.
 */
export async function junitReport(file: ResultFile): Promise<string> {
  // Only whoever exports it waits for the library.
  const library = await import("junit-report-builder");
  // Its types say that the builder is an export by name, and it is all of the module.
  const report = (library.default as unknown as Builder).newBuilder().name(file.tool.name);
  for (const trace of file.traces) {
    const suite = report.testSuite().name(xmlText(trace.name));
    const results = file.results.filter((each) => each.trace === trace.name && each.route !== "none");
    suite.timestamp(file.date.replace(/\.\d+Z$|Z$/, ""));
    suite.time(results.reduce((sum, each) => sum + measuredSeconds(each), 0));
    suite.property("sha256", trace.sha256);
    for (const result of results) {
      const unit = suite.testCase().className(xmlText(trace.name)).name(xmlText(result.allocator));
      unit.time(measuredSeconds(result));
      for (const [name, value] of properties(file, trace, result)) unit.property(name, xmlText(value));
      const { failure, verified } = result;
      if (failure !== undefined) {
        const at = failure.event === undefined ? "" : ` (event ${failure.event})`;
        unit.failure(xmlText(`${failure.message}${at}`), xmlText(failure.code));
      } else if (verified === false) {
        unit.failure("the check of its blocks failed", "not-verified");
      }
    }
    for (const { name, warning } of missingPeers(file)) {
      suite.testCase().className(xmlText(trace.name)).name(name).skipped().standardOutput(xmlText(warning));
    }
  }
  return `${report.build()}\n`;
}
