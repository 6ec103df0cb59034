import { UserError } from "../errors.js";
import type { ImportReport } from "../native.js";
import type { SiteKinds } from "./kinds.js";
import { pathOf, type RunOptions, runTrace, type TraceSource } from "./source.js";

/**
 * The kinds that the map at `mapPath` gives to the call sites of a trace, which is read once for its table of
 * stacks: that stands at its end. Throws UserError `bad-kinds`, `no-call-sites`, or what runTrace throws.
 */
export async function kindsOfTrace(
  source: TraceSource,
  mapPath: string,
  options: RunOptions,
): Promise<SiteKinds> {
  // Only here, so that who asks for no kinds does not wait for the parser of YAML.
  const { readKindMap, siteKinds } = await import("./kinds.js");
  const map = await readKindMap(mapPath);
  if (source === "-") {
    throw new UserError(
      "kinds-of-pipe",
      "--kinds reads the trace twice, and standard input comes only once",
      {
        remedy: "Write the trace to a file first.",
      },
    );
  }
  const { callTable } = await runTrace(source, { kind: "count" }, options);
  if (callTable === null) {
    throw new UserError(
      "no-call-sites",
      `${pathOf(source)} has no call sites, so that no rule of --kinds can match`,
      {
        remedy: "Record it with stacks: rustydb-mem record --stacks.",
      },
    );
  }
  return siteKinds(map, callTable);
}

/** The report, with a warning about rules that no call site of the trace matched. */
export function withUnmatched(report: ImportReport, unmatched: readonly string[]): ImportReport {
  if (unmatched.length === 0) return report;
  const warning = `no call site matches the rules of --kinds for ${unmatched.join(", ")}`;
  return { ...report, warnings: [...report.warnings, warning] };
}
