import { UserError } from "../errors.js";
import { type Fates, type FittedTrace, type FittedType, fittedWorkload } from "./fitted.js";
import { Histogram } from "./histogram.js";

/** A block that is alive. */
interface Block {
  readonly type: FittedType;
  readonly kind: string;
  /** The transaction or savepoint it was made in, if any. */
  readonly scope: Scope | undefined;
  readonly bornNs: number;
}

/** A transaction or savepoint that is open. */
interface Scope {
  readonly id: number;
  readonly type: FittedType;
  readonly parent: Scope | undefined;
  /** Savepoints around it, and blocks of each kind and savepoints of each name made in it. */
  readonly depth: number;
  readonly made: Map<string, number>;
  readonly savepoints: Map<string, number>;
  /** What became of blocks made in it, or in savepoints of it that were released: nothing to go by when it is rolled back. */
  readonly dead: Map<Fates, Deaths>;
  readonly children: Set<Scope>;
}

type Deaths = Pick<Fates, "withScope" | "before">;

// Savepoints deeper than that, and of more names than that in one place, count as what is around them.
const MOST_DEPTH = 16;
const MOST_NAMES = 64;
// Of letters: a workload has no longer names, and adds words to those of kinds.
const LONGEST_NAME = 90;
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
  /** Open transactions and savepoints. */
  private readonly open = new Map<number, Scope>();
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
    for (const { scope, kind, type } of this.blocks.values()) {
      type.fates(kind).survived += scope === undefined ? 0 : 1;
      type.fates(kind).forever += 1;
    }
    if (![this.outside, ...types.values()].some(hasBlocks)) {
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
    this.outside = newType();
    this.events = 1;
    this.firstNs = nowNs;
  }

  private begins(id: number, parentId: number, kind: string): void {
    const parent = parentId === 0 ? undefined : this.open.get(parentId);
    // Of a transaction that began before all that is looked at.
    if (parentId !== 0 && parent === undefined) return;
    const name = kind === "" ? (parent === undefined ? "transaction" : "savepoint") : short(kind);
    if (parent !== undefined && !mayHold(parent, name)) {
      this.open.set(id, parent);
      return;
    }
    const types = parent?.type.savepoints ?? this.types;
    let type = types.get(name);
    if (type === undefined) {
      type = newType();
      types.set(name, type);
    }
    type.begun += 1;
    const scope: Scope = {
      id,
      type,
      parent,
      depth: parent === undefined ? 0 : parent.depth + 1,
      made: new Map(),
      savepoints: new Map(),
      dead: new Map(),
      children: new Set(),
    };
    parent?.children.add(scope);
    parent?.savepoints.set(name, (parent.savepoints.get(name) ?? 0) + 1);
    this.open.set(id, scope);
  }

  /** @param implied by the end of what is around it */
  private ends(id: number, aborted: boolean, implied = false): void {
    const scope = this.open.get(id);
    this.open.delete(id);
    // A savepoint that counts as what is around it ends nothing.
    if (scope?.id !== id) return;
    for (const child of scope.children) this.ends(child.id, aborted, true);
    const { type, parent, made, savepoints, dead } = scope;
    parent?.children.delete(scope);
    if (aborted && !implied) type.aborted += 1;
    for (const [kind, count] of made) type.perScope(kind).add(count);
    for (const [name, count] of savepoints) type.perSavepoint(name).add(count);
    for (const [fates, deaths] of dead) {
      if (aborted) fates.rolledBack += deaths.withScope + deaths.before;
      else if (parent === undefined) add(fates, deaths);
      else add(deathsIn(parent, fates), deaths);
    }
    // Survivors remember it.
    for (const part of [made, savepoints, dead]) part.clear();
  }

  /** Of the scopes around a block the innermost that is open; released savepoints handed their blocks on. */
  private innermostOpen(scope: Scope | undefined): Scope | undefined {
    let around = scope;
    while (around !== undefined && this.open.get(around.id) !== around) around = around.parent;
    return around;
  }

  private born(
    id: string,
    size: number,
    scope: number,
    kindName: string,
    nowNs: number,
    diesWithScope: boolean,
  ): void {
    const kind = kindName === "" ? "unknown" : short(kindName);
    const around = this.open.get(scope);
    const type = around?.type ?? this.outside;
    type.blocks += 1;
    type.sizesOf(kind).add(size);
    around?.made.set(kind, (around.made.get(kind) ?? 0) + 1);
    type.fates(kind).born += 1;
    if (diesWithScope) {
      if (around === undefined) type.fates(kind).withScope += 1;
      else deathsIn(around, type.fates(kind)).withScope += 1;
      return;
    }
    this.blocks.set(id, { type, kind, scope: around, bornNs: nowNs });
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
    const { type, kind, scope, bornNs } = block;
    const holder = this.innermostOpen(scope);
    if (holder !== undefined) {
      deathsIn(holder, type.fates(kind)).before += 1;
      return;
    }
    type.fates(kind).survived += scope === undefined ? 0 : 1;
    let ages = this.ages.get(kind);
    if (ages === undefined) {
      ages = new Histogram();
      this.ages.set(kind, ages);
    }
    ages.add(nowNs - bornNs);
  }
}

function deathsIn(scope: Scope, fates: Fates): Deaths {
  let deaths = scope.dead.get(fates);
  if (deaths === undefined) {
    deaths = { withScope: 0, before: 0 };
    scope.dead.set(fates, deaths);
  }
  return deaths;
}

function add(to: Deaths, deaths: Deaths): void {
  to.withScope += deaths.withScope;
  to.before += deaths.before;
}

function short(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}

function hasBlocks({ blocks, savepoints }: FittedType): boolean {
  return blocks > 0 || [...savepoints.values()].some(hasBlocks);
}

/** Whether a savepoint of this name in `scope` is told from what is around it. */
function mayHold({ depth, type }: Scope, name: string): boolean {
  return depth < MOST_DEPTH && (type.savepoints.size < MOST_NAMES || type.savepoints.has(name));
}

function newType(): FittedType {
  const sizes = new Map<string, Histogram>();
  const counts = new Map<string, Histogram>();
  const savepointCounts = new Map<string, Histogram>();
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
    perScope: (kind) => histogram(counts, kind),
    savepoints: new Map(),
    perSavepoint: (name) => histogram(savepointCounts, name),
    kinds: () => [...fates.keys()],
    fates: (kind) => {
      let found = fates.get(kind);
      if (found === undefined) {
        found = { born: 0, withScope: 0, before: 0, rolledBack: 0, survived: 0, forever: 0 };
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
