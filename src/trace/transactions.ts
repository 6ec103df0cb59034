import { UsageError } from "../errors.js";
import type { TransactionSearch } from "../native.js";
import type { TraceRun } from "./event.js";
import { type RunOptions, runTrace, type TraceSource } from "./source.js";

/** A search in two passes: what every thread looks like at every level, and the phases at the levels chosen. */
export interface FoundTransactions {
  readonly levels: TransactionSearch;
  readonly search: TransactionSearch;
}

export type SearchOptions = Omit<RunOptions, "filters" | "onOutput">;

/**
 * Looks for transactions in a trace, as if it had none marked, reading it twice. Throws UsageError for standard
 * input, and what runTrace throws.
 */
export async function findTransactions(
  source: TraceSource,
  options: SearchOptions = {},
): Promise<FoundTransactions> {
  refusePipe(source);
  const filters = { unmarked: true };
  const first = await runTrace(source, { kind: "find-transactions" }, { ...options, filters });
  const levels = searchOf(first);
  const chosen = levels.threads.map((thread) => thread.chosen);
  const run = await runTrace(source, { kind: "find-transactions", levels: chosen }, { ...options, filters });
  return { levels, search: searchOf(run) };
}

function searchOf({ search }: TraceRun): TransactionSearch {
  if (search === null) throw new Error("the pipeline ended without a search");
  return search;
}

/** Throws UsageError for standard input, which can be read only once. */
export function refusePipe(source: TraceSource): void {
  if (source !== "-") return;
  throw new UsageError("usage", "the search for transactions reads the trace more than once", {
    remedy: "Save it as a file first; standard input can be read only once.",
  });
}
