/** A workload file written from what a trace was like. */
import { Document, isScalar, visit } from "yaml";
import type { Histogram } from "./histogram.js";

/** What became of the blocks of one kind. */
export interface Fates {
  born: number;
  /** Died at the end of their transaction, by being told to. */
  withScope: number;
  /** Freed before the end of their transaction. */
  before: number;
  /** Alive after it. */
  survived: number;
  /** Alive at the end of the trace. */
  forever: number;
}

export interface FittedType {
  begun: number;
  aborted: number;
  blocks: number;
  sizesOf(kind: string): Histogram;
  perTransaction(kind: string): Histogram;
  kinds(): string[];
  fates(kind: string): Fates;
}

export interface FittedTrace {
  readonly from: string;
  readonly events: number;
  readonly threads: number;
  readonly peakLiveBytes: number;
  readonly paceNs: number;
  readonly durationNs: number;
  readonly types: ReadonlyMap<string, FittedType>;
  /** What was made in no transaction. */
  readonly outside: FittedType;
  /** Of blocks that outlived their transaction, or had none: ns, by kind. */
  readonly ages: ReadonlyMap<string, Histogram>;
}

type Rows = ReturnType<Histogram["rows"]>;

// What was made outside of transactions comes in portions of so many blocks.
const PORTION = 64;

const percent = (part: number, whole: number): string =>
  `${Math.round((part / Math.max(whole, 1)) * 1e4) / 100}%`;

/** Rows of times need a unit; a time of 0 stands for less than a nanosecond. */
function times(rows: Rows): unknown[] {
  return rows.map((row) => [...row.slice(0, -1).map((ns) => `${ns}ns`), row.at(-1)]);
}

function distribution(rows: Rows): unknown {
  const [first] = rows;
  return rows.length === 1 && first?.length === 2 ? first[0] : { empirical: rows };
}

/** One alloc step for each thing that became of such blocks. */
function branches(type: FittedType, kind: string, scoped: boolean): unknown[] {
  const fates = type.fates(kind);
  const size = distribution(type.sizesOf(kind).rows());
  const forever = fates.forever;
  const aged = (scoped ? fates.survived : fates.born) - forever;
  const all: [number, string][] = [
    [fates.withScope, "transaction"],
    [fates.before, "steps"],
    [aged, `${kind} by age`],
    [forever, "forever"],
  ];
  return all
    .filter(([weight]) => weight > 0)
    .map(([weight, lifetime]) => ({ weight, steps: [{ alloc: kind, size, lifetime }] }));
}

/** The steps of a type of transaction: every kind as often as it was made, each block with a fate of its own. */
function transactionSteps(type: FittedType): unknown[] {
  return type.kinds().flatMap((kind): unknown[] => {
    const counts = type.perTransaction(kind);
    const pick = branches(type, kind, true);
    if (pick.length === 0 || counts.count === 0) return [];
    // How many transactions made any at all.
    const some = { repeat: distribution(counts.rows()), steps: [{ pick }] };
    return counts.count >= type.begun
      ? [some]
      : [{ chance: percent(counts.count, type.begun), steps: [some] }];
  });
}

/** A portion of what was made in no transaction. */
function outsideSteps(type: FittedType): unknown[] {
  return [
    { repeat: PORTION, steps: [{ pick: type.kinds().flatMap((kind) => branches(type, kind, false)) }] },
  ];
}

/** How often the job that makes such portions runs: its own time is not waited for. */
function outsideEvery({ outside, durationNs, paceNs }: FittedTrace): unknown {
  const betweenNs = (durationNs * PORTION) / outside.blocks - 2 * PORTION * paceNs;
  return { exponential: { mean: `${Math.max(Math.round(betweenNs), 1)}ns` } };
}

export function fittedWorkload(trace: FittedTrace): string {
  const kinds = new Set<string>();
  const transactions: Record<string, unknown> = {};
  const jobs: Record<string, unknown> = {};
  const needed = new Set<string>();
  const note = (type: FittedType): void => {
    for (const kind of type.kinds()) {
      kinds.add(kind);
      if (type.fates(kind).forever > 0) needed.add("forever");
      if (trace.ages.has(kind)) needed.add(`${kind} by age`);
    }
  };
  for (const [name, type] of trace.types) {
    note(type);
    transactions[name] = {
      weight: type.begun,
      ...(type.aborted > 0 && { abort: percent(type.aborted, type.begun) }),
      steps: transactionSteps(type),
    };
  }
  if (trace.outside.blocks > 0) {
    note(trace.outside);
    const steps = outsideSteps(trace.outside);
    if (trace.types.size === 0) transactions.outside = { weight: 1, steps };
    else jobs.outside = { every: outsideEvery(trace), steps };
  }
  const populations: Record<string, unknown> = {};
  for (const name of needed) {
    if (name === "forever") populations[name] = { dies: "never" };
    else {
      const ages = trace.ages.get(name.slice(0, -" by age".length));
      if (ages !== undefined) populations[name] = { dies: "age", age: { empirical: times(ages.rows(0)) } };
    }
  }
  const comment =
    ` Fitted to ${trace.from.replace(/\s/g, " ")}: sizes, lifetimes and kinds by type of transaction are what was counted there;\n` +
    " the order of steps within a transaction is not, nor are savepoints. What was made in no transaction comes in portions\n named outside.\n";
  const body = {
    workload: "fitted",
    threads: trace.threads,
    events: Math.max(trace.events, 1),
    live: Math.max(trace.peakLiveBytes, 1),
    pace: `${trace.paceNs}ns`,
    kinds: Object.fromEntries([...kinds].map((kind) => [kind, { size: 64 }])),
    ...(needed.size > 0 && { populations }),
    transactions,
    ...(trace.types.size > 0 && trace.outside.blocks > 0 && { jobs }),
  };
  const document = new Document(body);
  // Rows of a distribution take a line each.
  visit(document, {
    Seq(_, list) {
      if (list.items.every((item) => isScalar(item))) list.flow = true;
    },
  });
  return comment.replace(/^(?=.)/gm, "#") + document.toString({ lineWidth: 0 });
}
