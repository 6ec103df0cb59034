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
  /** Dead before the end of a transaction or savepoint around it that was rolled back: who can say what of. */
  rolledBack: number;
  /** Alive after it. */
  survived: number;
  /** Alive at the end of the trace. */
  forever: number;
}

/** A type of transaction, or the savepoints of one name in one place of it. */
export interface FittedType {
  begun: number;
  aborted: number;
  blocks: number;
  sizesOf(kind: string): Histogram;
  /** How many blocks of a kind are made in one of them, where there is any; not those in savepoints of it. */
  perScope(kind: string): Histogram;
  /** By their names. */
  readonly savepoints: Map<string, FittedType>;
  /** How many savepoints of a name are in one of them, where there is any. */
  perSavepoint(name: string): Histogram;
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
  const known = all.filter(([weight]) => weight > 0);
  const only: [number, string][] = fates.rolledBack > 0 ? [[fates.rolledBack, "transaction"]] : [];
  return (known.length > 0 ? known : only).map(([weight, lifetime]) => ({
    weight,
    steps: [{ alloc: kind, size, lifetime }],
  }));
}

/** The steps of a type of transaction or savepoint: every kind as often as it was made, each block with a fate of its own. */
function scopeSteps(type: FittedType): unknown[] {
  const blocks = type.kinds().flatMap((kind): unknown[] => {
    const pick = branches(type, kind, true);
    return pick.length === 0 ? [] : asOften(type.perScope(kind), type.begun, [{ pick }]);
  });
  const savepoints = [...type.savepoints].flatMap(([name, inner]): unknown[] => {
    const rollback = inner.aborted > 0 && { rollback: percent(inner.aborted, inner.begun) };
    return asOften(type.perSavepoint(name), type.begun, [
      { savepoint: name, ...rollback, steps: scopeSteps(inner) },
    ]);
  });
  return [...blocks, ...savepoints];
}

/** @param counts of the scopes in which it happened at all */
function asOften(counts: Histogram, scopes: number, steps: unknown[]): unknown[] {
  if (counts.count === 0) return [];
  const some = { repeat: distribution(counts.rows()), steps };
  return counts.count >= scopes ? [some] : [{ chance: percent(counts.count, scopes), steps: [some] }];
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
    for (const inner of type.savepoints.values()) note(inner);
  };
  for (const [name, type] of trace.types) {
    note(type);
    transactions[name] = {
      weight: type.begun,
      ...(type.aborted > 0 && { abort: percent(type.aborted, type.begun) }),
      steps: scopeSteps(type),
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
    ` Fitted to ${trace.from.replace(/\s/g, " ")}: sizes, lifetimes, kinds and savepoints by type of transaction are what was counted\n` +
    " there; the order of steps within a transaction is not. What was made in no transaction comes in portions\n named outside.\n";
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
