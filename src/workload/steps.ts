/** Lists of steps compiled to the code of native/trace/workload_program.h. */
import { choice, type DistributionRow, tabulate } from "./distribution.js";
import { Mistake, type SpecPath, suggest } from "./mistake.js";
import type { DistributionSpec } from "./shape.js";
import type { KindSpec, StepSpec } from "./spec.js";

const CERTAIN = 1_000_000;
const ZEROED = 1;

// In the order of StepCode.
const CODES = [
  "alloc",
  "free",
  "grow",
  "repeat",
  "savepoint",
  "chance",
  "pick",
  "jump",
  "think",
  "drop",
  "collect",
  "close",
  "end",
] as const;
type Code = (typeof CODES)[number];
const LIFETIME = { scope: 0, frame: 1, population: 2 } as const;
const ORDERS = ["newest", "oldest", "any"] as const;

/** code, flags, name, a, b, c, d, e */
type Row = [number, number, number, number, number, number, number, number];

const ONE: DistributionSpec = { shape: { kind: "constant", value: 1 }, step: 1 };

/** Distributions of the program, each there once; sizes of a kind remember it, for phases that change it. */
export class Distributions {
  readonly rows: DistributionRow[] = [];
  readonly ofKind = new Map<number, { kind: string; spec: DistributionSpec }>();
  private readonly known = new Map<string, number>();

  add(spec: DistributionSpec, kind?: string): number {
    const index = this.row(`${kind === undefined ? "" : `${kind}:`}${JSON.stringify(spec)}`, () =>
      tabulate(spec),
    );
    if (kind !== undefined) this.ofKind.set(index, { kind, spec });
    return index;
  }

  choice(weights: readonly number[]): number {
    return this.row(`choice:${JSON.stringify(weights)}`, () => choice(weights));
  }

  private row(key: string, make: () => DistributionRow): number {
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.rows.push(make()) - 1;
      this.known.set(key, index);
    }
    return index;
  }
}

/** What steps may name. */
export interface Names {
  readonly kinds: ReadonlyMap<string, KindSpec>;
  readonly populations: readonly string[];
  /** Populations of which epochs decide. */
  readonly epochPopulations: ReadonlySet<string>;
  /** Populations that keep no order and no target, so that nothing can be dropped from them. */
  readonly undroppable: ReadonlySet<string>;
}

/** Where a list of steps stands. */
export interface Surroundings {
  /** Inside a transaction there are scopes to die with, and savepoints. */
  readonly transaction: boolean;
  /** The lifetime of an allocation that names none. */
  readonly lifetime: string;
}

export class StepCompiler {
  readonly code: Row[] = [];
  readonly jumps: number[] = [];

  constructor(
    private readonly names: Names,
    private readonly distributions: Distributions,
    private readonly intern: { kind(name: string): number; type(name: string): number },
  ) {}

  /** Compiles a whole list; returns where it begins. */
  compile(steps: readonly StepSpec[], path: SpecPath, around: Surroundings): number {
    const entry = this.code.length;
    this.list(steps, path, around);
    this.emit("end");
    return entry;
  }

  private list(steps: readonly StepSpec[], path: SpecPath, around: Surroundings): void {
    for (const [at, step] of steps.entries()) this.step(step, [...path, at], around);
  }

  private emit(
    code: Code,
    fields: {
      flags?: number;
      name?: number;
      a?: number;
      b?: number;
      c?: number;
      d?: number;
      e?: number;
    } = {},
  ): number {
    const { flags = 0, name = 0, a = 0, b = 0, c = 0, d = 0, e = 0 } = fields;
    return this.code.push([CODES.indexOf(code), flags, name, a, b, c, d, e]) - 1;
  }

  /** Fills in where a step goes on: behind what has been emitted since. */
  private land(at: number): void {
    const row = this.code[at];
    if (row !== undefined) row[4] = this.code.length;
  }

  private step(step: StepSpec, path: SpecPath, around: Surroundings): void {
    if ("alloc" in step) {
      this.alloc(step, path, around);
    } else if ("free" in step) {
      this.emit("free", { a: this.distributions.add(step.count ?? ONE), b: ORDERS.indexOf(step.free) });
    } else if ("grow" in step) {
      const kind = this.kind(step.grow, [...path, "grow"]);
      this.emit("grow", {
        name: this.intern.kind(step.grow),
        a: this.distributions.add(step.size ?? kind.size, step.grow),
      });
    } else if ("repeat" in step) {
      const at = this.emit("repeat", { a: this.distributions.add(step.repeat) });
      this.list(step.steps, [...path, "steps"], around);
      this.emit("close");
      this.land(at);
    } else if ("savepoint" in step) {
      if (!around.transaction)
        throw new Mistake(
          [...path, "savepoint"],
          "there is no transaction here for a savepoint",
          "Give the job transaction: true, or leave the savepoint out.",
        );
      const at = this.emit("savepoint", {
        name: this.intern.type(step.savepoint),
        a: chance(step.rollback ?? 0),
      });
      this.list(step.steps, [...path, "steps"], around);
      this.emit("close");
      this.land(at);
    } else if ("chance" in step) {
      const at = this.emit("chance", { a: chance(step.chance) });
      this.list(step.steps, [...path, "steps"], around);
      this.land(at);
    } else if ("pick" in step) {
      this.pick(step.pick, [...path, "pick"], around);
    } else if ("think" in step) {
      this.emit("think", { a: this.distributions.add(step.think) });
    } else if ("drop" in step) {
      const population = this.population(step.drop, [...path, "drop"]);
      if (this.names.undroppable.has(step.drop))
        throw new Mistake(
          [...path, "drop"],
          `nothing can be dropped from "${step.drop}": its members die by themselves`,
          "Drop from a population that dies random, oldest or epoch.",
        );
      this.emit("drop", { a: this.distributions.add(step.count ?? ONE), b: population });
    } else {
      const population = this.population(step.collect, [...path, "collect"]);
      if (!this.names.epochPopulations.has(step.collect))
        throw new Mistake(
          [...path, "collect"],
          `"${step.collect}" has no epochs to collect`,
          "Collect a population with dies: epoch.",
        );
      this.emit("collect", { b: population });
    }
  }

  private alloc(step: Extract<StepSpec, { alloc: string }>, path: SpecPath, around: Surroundings): void {
    const kind = this.kind(step.alloc, [...path, "alloc"]);
    const lifetime = step.lifetime ?? around.lifetime;
    if (lifetime === "transaction" && !around.transaction)
      throw new Mistake(
        [...path, step.lifetime === undefined ? "alloc" : "lifetime"],
        "there is no transaction here to die with",
        "Name a population, or lifetime: steps; or give the job transaction: true.",
      );
    const fixed =
      lifetime === "transaction"
        ? { c: LIFETIME.scope }
        : lifetime === "steps"
          ? { c: LIFETIME.frame }
          : {
              c: LIFETIME.population,
              d: this.population(lifetime, [...path, "lifetime"], ["transaction", "steps"]),
            };
    this.emit("alloc", {
      flags: (step.zeroed ?? kind.zeroed) ? ZEROED : 0,
      name: this.intern.kind(step.alloc),
      a: this.distributions.add(step.size ?? kind.size, step.alloc),
      b: this.distributions.add(step.count ?? ONE),
      e: step.align ?? kind.align ?? 0,
      ...fixed,
    });
  }

  private pick(
    branches: Extract<StepSpec, { pick: unknown }>["pick"],
    path: SpecPath,
    around: Surroundings,
  ): void {
    const weights = branches.map(({ weight }) => weight);
    if (!weights.some((weight) => weight > 0))
      throw new Mistake(path, "no branch has a weight above 0", "Give at least one branch a weight.");
    this.emit("pick", { a: this.distributions.choice(weights), b: this.jumps.length });
    const first = this.jumps.length;
    for (const _ of branches) this.jumps.push(0);
    const ends: number[] = [];
    for (const [at, { steps }] of branches.entries()) {
      this.jumps[first + at] = this.code.length;
      this.list(steps, [...path, at, "steps"], around);
      ends.push(this.emit("jump"));
    }
    for (const end of ends) this.land(end);
  }

  private kind(name: string, path: SpecPath): KindSpec {
    const kind = this.names.kinds.get(name);
    if (kind !== undefined) return kind;
    throw new Mistake(path, `there is no kind "${name}"`, suggest(name, [...this.names.kinds.keys()]));
  }

  private population(name: string, path: SpecPath, others: readonly string[] = []): number {
    const index = this.names.populations.indexOf(name);
    if (index >= 0) return index;
    throw new Mistake(
      path,
      `there is no population "${name}"`,
      suggest(name, [...others, ...this.names.populations]),
    );
  }
}

export function chance(share: number): number {
  return Math.round(share * CERTAIN);
}
