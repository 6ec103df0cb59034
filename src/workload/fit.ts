import { UserError } from "../errors.js";
import { type FittedTrace, type FittedType, fittedWorkload } from "./fitted.js";
import { Histogram } from "./histogram.js";

/** A block that is alive. */
interface Block {
  readonly type: FittedType;
  readonly kind: string;
  /** Number of its outermost transaction; 0: none. */
  readonly root: number;
  readonly bornNs: number;
}

// Of a trace without times an event is taken to last so long.
const NS_PER_EVENT = 100;

/**
 * Learns from the rows of a trace, as `convert` writes them to CSV, what a workload file can say of it: sizes, lifetimes and
 * kinds by type of transaction. Memory: what is alive, and a histogram for each of these.
 */
export class TraceFit {
  private rest = "";
  private columns: Map<string, number> | undefined;
  private readonly decoder = new TextDecoder();
  private readonly blocks = new Map<string, Block>();
  /** Transaction → its outermost one. */
  private readonly roots = new Map<number, number>();
  /** Of open outermost transactions: type, and how many blocks of each sort they made. */
  private readonly open = new Map<number, { type: FittedType; made: Map<string, number> }>();
  private readonly types = new Map<string, FittedType>();
  private outside = newType();
  private readonly threads = new Set<string>();
  private readonly ages = new Map<string, Histogram>();
  private events = 0;
  private firstNs: number | undefined;
  private lastNs = 0;
  private live = 0;
  private peakLive = 0;
  private readonly sizes = new Map<string, number>();

  /** The next piece of the text, cut anywhere. */
  take(bytes: Uint8Array): void {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line);
  }

  /** The text of a workload file. Throws UserError where the trace has no allocation. */
  workload(from: string, overrides: { readonly threads?: number }): string {
    if (this.rest !== "") this.line(this.rest);
    this.rest = "";
    const types = new Map(this.types);
    for (const { root, kind, type } of this.blocks.values()) {
      type.fates(kind).survived += root === 0 ? 0 : 1;
      type.fates(kind).forever += 1;
    }
    if (this.outside.blocks === 0 && ![...types.values()].some((type) => type.blocks > 0)) {
      throw new UserError("nothing-to-fit", `${from} has no allocation to learn from`, {
        remedy: "Give a trace with blocks in it.",
      });
    }
    const durationNs = Math.max(1, this.lastNs - (this.firstNs ?? 0));
    const threads = overrides.threads ?? Math.min(Math.max(this.threads.size, 1), 1024);
    const fitted: FittedTrace = {
      from,
      events: this.events,
      threads,
      peakLiveBytes: this.peakLive,
      paceNs: Math.min(Math.max(Math.round((durationNs * threads) / Math.max(this.events, 1)), 1), 2e9),
      durationNs,
      types,
      outside: this.outside,
      ages: this.ages,
    };
    return fittedWorkload(fitted);
  }

  private line(line: string): void {
    const fields = line.includes('"') ? splitQuoted(line) : line.split(",");
    if (this.columns === undefined) {
      this.columns = new Map(fields.map((name, at) => [name, at]));
      return;
    }
    const columns = this.columns;
    const field = (name: string): string => fields[columns.get(name) ?? -1] ?? "";
    this.events += 1;
    this.threads.add(field("thread"));
    const time = field("time_ns");
    const nowNs = time === "" ? this.events * NS_PER_EVENT : Number(time);
    this.firstNs ??= nowNs;
    this.lastNs = nowNs;
    switch (field("event")) {
      case "alloc":
        this.born(
          field("id"),
          Number(field("size")),
          Number(field("scope") || 0),
          field("kind"),
          nowNs,
          field("dies_with_scope") === "1",
        );
        break;
      case "realloc":
        this.dies(field("id"), nowNs);
        this.born(
          field("new_id"),
          Number(field("size")),
          Number(field("scope") || 0),
          field("kind"),
          nowNs,
          false,
        );
        break;
      case "free":
        this.dies(field("id"), nowNs);
        break;
      case "begin":
        this.begins(Number(field("id")), Number(field("parent") || 0), field("kind"));
        break;
      case "mark":
        if (field("text") === "start") this.starts(nowNs);
        break;
      case "commit":
      case "abort":
        this.ends(Number(field("id")), field("event") === "abort");
        break;
    }
  }

  /** What came before has built the opening population, at a pace of its own: nothing to be learnt from. */
  private starts(nowNs: number): void {
    this.types.clear();
    this.open.clear();
    this.roots.clear();
    this.outside = newType();
    this.events = 1;
    this.firstNs = nowNs;
  }

  private begins(id: number, parent: number, kind: string): void {
    const root = parent === 0 ? id : (this.roots.get(parent) ?? id);
    this.roots.set(id, root);
    if (root !== id) return;
    const name = kind === "" ? "transaction" : kind;
    let type = this.types.get(name);
    if (type === undefined) {
      type = newType();
      this.types.set(name, type);
    }
    type.begun += 1;
    this.open.set(id, { type, made: new Map() });
  }

  private ends(id: number, aborted: boolean): void {
    const transaction = this.open.get(id);
    this.roots.delete(id);
    if (transaction === undefined) return;
    this.open.delete(id);
    const { type, made } = transaction;
    if (aborted) type.aborted += 1;
    for (const [kind, count] of made) type.perTransaction(kind).add(count);
  }

  private born(
    id: string,
    size: number,
    scope: number,
    kindName: string,
    nowNs: number,
    diesWithScope: boolean,
  ): void {
    const kind = kindName === "" ? "unknown" : kindName;
    const root = scope === 0 ? 0 : (this.roots.get(scope) ?? 0);
    const transaction = this.open.get(root);
    const type = transaction?.type ?? this.outside;
    type.blocks += 1;
    type.sizesOf(kind).add(size);
    transaction?.made.set(kind, (transaction.made.get(kind) ?? 0) + 1);
    const fates = type.fates(kind);
    fates.born += 1;
    if (diesWithScope) {
      fates.withScope += 1;
      return;
    }
    this.blocks.set(id, { type, kind, root: transaction === undefined ? 0 : root, bornNs: nowNs });
    this.sizes.set(id, size);
    this.live += size;
    this.peakLive = Math.max(this.peakLive, this.live);
  }

  private dies(id: string, nowNs: number): void {
    const block = this.blocks.get(id);
    if (block === undefined) return;
    this.blocks.delete(id);
    this.live -= this.sizes.get(id) ?? 0;
    this.sizes.delete(id);
    const { type, kind, root, bornNs } = block;
    if (root !== 0 && this.open.has(root)) {
      type.fates(kind).before += 1;
      return;
    }
    type.fates(kind).survived += root === 0 ? 0 : 1;
    let ages = this.ages.get(kind);
    if (ages === undefined) {
      ages = new Histogram();
      this.ages.set(kind, ages);
    }
    ages.add(nowNs - bornNs);
  }
}

function newType(): FittedType {
  const sizes = new Map<string, Histogram>();
  const counts = new Map<string, Histogram>();
  const fates = new Map<string, ReturnType<FittedType["fates"]>>();
  const histogram = (map: Map<string, Histogram>, kind: string): Histogram => {
    let found = map.get(kind);
    if (found === undefined) {
      found = new Histogram();
      map.set(kind, found);
    }
    return found;
  };
  return {
    begun: 0,
    aborted: 0,
    blocks: 0,
    sizesOf: (kind) => histogram(sizes, kind),
    perTransaction: (kind) => histogram(counts, kind),
    kinds: () => [...fates.keys()],
    fates: (kind) => {
      let found = fates.get(kind);
      if (found === undefined) {
        found = { born: 0, withScope: 0, before: 0, survived: 0, forever: 0 };
        fates.set(kind, found);
      }
      return found;
    },
  };
}

/** A row in which some name is in quotes. */
function splitQuoted(line: string): string[] {
  const fields = [""];
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at] ?? "";
    if (letter === '"' && quoted && line[at + 1] === '"') {
      fields[fields.length - 1] += '"';
      at += 1;
    } else if (letter === '"') {
      quoted = !quoted;
    } else if (letter === "," && !quoted) {
      fields.push("");
    } else {
      fields[fields.length - 1] += letter;
    }
  }
  return fields;
}
