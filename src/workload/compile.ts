/** A workload compiled to the program that the native generator runs (native/trace/workload_program.h). */

import { type DistributionRow, largest, scaled } from "./distribution.js";
import type { Workload } from "./document.js";
import { Mistake, type SpecPath, suggest } from "./mistake.js";
import { LARGEST_VALUE } from "./quantities.js";
import type { DistributionSpec } from "./shape.js";
import {
  MOST_THREADS,
  type PhaseSpec,
  type PopulationSpec,
  type StepSpec,
  type WorkloadSpec,
} from "./spec.js";
import { chance, Distributions, StepCompiler } from "./steps.js";

/** What the command line may say instead of the file. */
export interface WorkloadOverrides {
  readonly events?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly liveBytes?: number;
}

// In the order of Death.
const DEATHS = ["random", "oldest", "epoch", "queue", "age", "never"] as const;
const DEFAULT_LIVE_BYTES = 16 * 1024 * 1024;
const DEFAULT_PACE_NS = 100;
const DEFAULT_BATCH = 64;
// The opening population takes at most this share of the events where the file says no other.
const OPENING_SHARE = 0.25;

/** `lifetime: transaction` and `steps` are words of the language. */
const RESERVED = ["transaction", "steps"];

class Compiler {
  private readonly kinds = new Map<string, number>();
  private readonly types = new Map<string, number>();
  private readonly marks: string[] = ["start", "stop"];
  private readonly distributions = new Distributions();
  private readonly populations: readonly (readonly [string, PopulationSpec])[];
  private readonly jobs: readonly string[];
  private readonly transactions: readonly string[];
  private readonly steps: StepCompiler;
  private readonly collected = new Set<string>();

  constructor(
    private readonly spec: WorkloadSpec,
    private readonly liveBytes: number,
    private readonly events: number,
  ) {
    this.populations = Object.entries(spec.populations ?? {});
    this.jobs = Object.keys(spec.jobs ?? {});
    this.transactions = Object.keys(spec.transactions);
    const dying = (...deaths: readonly string[]): ReadonlySet<string> =>
      new Set(this.populations.filter(([, { dies }]) => deaths.includes(dies)).map(([name]) => name));
    this.steps = new StepCompiler(
      {
        kinds: new Map(Object.entries(spec.kinds)),
        populations: this.populations.map(([name]) => name),
        epochPopulations: dying("epoch"),
        undroppable: dying("queue", "age", "never"),
      },
      this.distributions,
      { kind: (name) => intern(this.kinds, name), type: (name) => intern(this.types, name) },
    );
  }

  compile(): Record<string, unknown> {
    this.checkPopulations();
    if (!Object.values(this.spec.transactions).some(({ weight }) => weight > 0))
      throw new Mistake(
        ["transactions"],
        "no transaction type has a weight above 0",
        "Give at least one a weight.",
      );
    for (const [name, { steps }] of Object.entries(this.spec.jobs ?? {})) this.findCollected(steps, name);
    const transactions = Object.entries(this.spec.transactions).map(([name, { abort, steps }]) => [
      intern(this.types, name),
      this.steps.compile(steps, ["transactions", name, "steps"], {
        transaction: true,
        lifetime: "transaction",
      }),
      chance(abort ?? 0),
    ]);
    const jobs = Object.entries(this.spec.jobs ?? {}).map(
      ([name, { every, transaction = false, abort, steps }]) => [
        intern(this.types, name),
        this.steps.compile(steps, ["jobs", name, "steps"], { transaction, lifetime: "transaction" }),
        this.distributions.add(every),
        transaction ? 1 : 0,
        chance(abort ?? 0),
      ],
    );
    const populations = this.populations.map(([name, population]) => this.population(name, population));
    const phases = this.phases();
    const identity = this.distributions.rows.map((_, index) => index);
    return {
      kinds: [...this.kinds.keys()],
      types: [...this.types.keys()],
      marks: this.marks,
      distributions: this.distributions.rows as DistributionRow[],
      code: this.steps.code,
      jumps: this.steps.jumps,
      transactions,
      populations,
      jobs,
      // Later phases added distributions that earlier ones have no word on.
      phases: phases.map((phase) => ({
        ...phase,
        sizes: identity.map((index) => phase.sizes[index] ?? index),
      })),
      ...(this.spec.samples && {
        samples: [
          this.spec.samples.every,
          this.spec.samples.limit,
          this.spec.samples.used ?? 0,
          this.spec.samples["stop-at-limit"] === true ? 1 : 0,
        ],
      }),
    };
  }

  private checkPopulations(): void {
    for (const [name, { dies, age, to, opening, share }] of this.populations) {
      const path = ["populations", name];
      if (RESERVED.includes(name))
        throw new Mistake(path, `"${name}" is a lifetime already`, "Give the population another name.");
      if (dies === "age" && age === undefined)
        throw new Mistake(
          path,
          "a population that dies by age needs one",
          "Add age: …, such as age: { exponential: { mean: 10ms } }.",
        );
      if (dies !== "age" && age !== undefined)
        throw new Mistake(
          [...path, "age"],
          `only what dies by age has one; "${name}" dies ${dies}`,
          "Leave age out, or write dies: age.",
        );
      if (to !== undefined && dies !== "queue")
        throw new Mistake(
          [...path, "to"],
          `only what is queued goes to a job; "${name}" dies ${dies}`,
          "Leave to out, or write dies: queue.",
        );
      if (to !== undefined && !this.jobs.includes(to))
        throw new Mistake([...path, "to"], `there is no job "${to}"`, suggest(to, this.jobs));
      const kept = dies === "random" || dies === "oldest" || dies === "epoch";
      if ((dies === "random" || dies === "oldest") && share === undefined)
        throw new Mistake(
          path,
          `"${name}" needs a target, above which its members give way`,
          "Add share: …, its share of the live bytes.",
        );
      if (share !== undefined && !kept)
        throw new Mistake(
          [...path, "share"],
          `"${name}" dies ${dies}, so that it can't be held at a share of the live bytes`,
          "Leave share out, or let it die random, oldest or epoch.",
        );
      if (opening !== undefined && !kept)
        throw new Mistake(
          [...path, "opening"],
          `"${name}" dies ${dies}, so that it can't be filled at the start`,
          "Leave opening out, or let it die random, oldest or epoch.",
        );
      if (opening !== undefined && !allocates(opening, name))
        throw new Mistake(
          [...path, "opening"],
          "the opening steps make no member of the population",
          "Add an alloc step to it.",
        );
    }
    const shares = this.populations.reduce((sum, [, { share }]) => sum + (share ?? 0), 0);
    if (shares > 1 + 1e-9)
      throw new Mistake(
        ["populations"],
        `the shares of the populations make ${Math.round(shares * 100)} % of the live bytes`,
        "They must not be more than 100 %.",
      );
  }

  /** Populations that a job collects, so that transactions don't. */
  private findCollected(steps: readonly unknown[], job: string): void {
    for (const step of steps) {
      if (typeof step !== "object" || step === null) continue;
      const {
        collect,
        steps: inner,
        pick,
      } = step as { collect?: string; steps?: unknown[]; pick?: { steps: unknown[] }[] };
      if (collect !== undefined) this.collected.add(collect);
      if (inner !== undefined) this.findCollected(inner, job);
      for (const branch of pick ?? []) this.findCollected(branch.steps, job);
    }
  }

  private population(name: string, { dies, age, to, batch, opening }: PopulationSpec): number[] {
    return [
      DEATHS.indexOf(dies),
      age === undefined ? 0 : this.distributions.add(age),
      to === undefined ? 0 : this.jobs.indexOf(to) + 1,
      Math.max(1, batch ?? DEFAULT_BATCH),
      this.collected.has(name) ? 1 : 0,
      opening === undefined ? 0 : 1,
      opening === undefined
        ? 0
        : this.steps.compile(opening, ["populations", name, "opening"], {
            transaction: false,
            lifetime: name,
          }),
    ];
  }

  private phases(): { mark: number; endEvents: number; mix: number; targets: number[]; sizes: number[] }[] {
    const specs: readonly PhaseSpec[] = this.spec.phases ?? [];
    if (specs.length === 0) return [{ mark: 0, endEvents: this.events, ...this.phase({}, ["phases"]) }];
    const total = specs.reduce((sum, phase) => sum + phase.for, 0);
    if (Math.abs(total - 1) > 1e-6)
      throw new Mistake(
        ["phases"],
        `the phases make ${Math.round(total * 1000) / 10} % of the events`,
        "Let their parts (for: …) add up to 100 %.",
      );
    let end = 0;
    return specs.map((phase, at) => {
      end += phase.for;
      const mark = this.marks.push(`phase ${phase.name}`) - 1;
      return { mark, endEvents: Math.round(end * this.events), ...this.phase(phase, ["phases", at]) };
    });
  }

  private phase(
    phase: Partial<PhaseSpec>,
    path: SpecPath,
  ): { mix: number; targets: number[]; sizes: number[] } {
    const known = (
      map: Readonly<Record<string, unknown>> | undefined,
      part: string,
      names: readonly string[],
      what: string,
    ): void => {
      const wrong = Object.keys(map ?? {}).find((name) => !names.includes(name));
      if (wrong !== undefined)
        throw new Mistake([...path, part, wrong], `there is no ${what} "${wrong}"`, suggest(wrong, names));
    };
    known(phase.weights, "weights", this.transactions, "transaction type");
    known(
      phase.populations,
      "populations",
      this.populations.map(([name]) => name),
      "population",
    );
    known(phase.sizes, "sizes", Object.keys(this.spec.kinds), "kind");
    const weights = Object.entries(this.spec.transactions).map(
      ([name, { weight }]) => phase.weights?.[name] ?? weight,
    );
    if (!weights.some((weight) => weight > 0))
      throw new Mistake(
        [...path, "weights"],
        "no transaction type has a weight above 0 in this phase",
        "Give at least one a weight.",
      );
    return {
      mix: this.distributions.choice(weights),
      targets: this.populations.map(([name, { share }]) =>
        Math.round((share ?? 0) * this.liveBytes * (phase.live ?? 1) * (phase.populations?.[name] ?? 1)),
      ),
      sizes: this.sizes(phase, path),
    };
  }

  private sizes(phase: Partial<PhaseSpec>, path: SpecPath): number[] {
    const sizes: number[] = [];
    for (const [index, { kind, spec }] of [...this.distributions.ofKind]) {
      const change = phase.sizes?.[kind];
      if (change === undefined) continue;
      const changed = typeof change === "number" ? scaled(spec, change) : change;
      if (largest(changed) > LARGEST_VALUE)
        throw new Mistake(
          [...path, "sizes", kind],
          `with this factor "${kind}" would be larger than any block of a trace may be`,
          "Use a smaller factor; 128 TiB is the most.",
        );
      sizes[index] = this.distributions.add(changed);
    }
    return sizes;
  }
}

function intern(map: Map<string, number>, name: string): number {
  const known = map.get(name);
  if (known !== undefined) return known;
  map.set(name, map.size);
  return map.size - 1;
}

/** True where some step, at any depth, may make a member of the population. */
function allocates(steps: readonly StepSpec[], population: string): boolean {
  const some = (count: DistributionSpec | undefined): boolean => count === undefined || largest(count) > 0;
  return steps.some((step) => {
    if ("alloc" in step) return (step.lifetime ?? population) === population && some(step.count);
    if ("repeat" in step) return some(step.repeat) && allocates(step.steps, population);
    if ("chance" in step) return chance(step.chance) > 0 && allocates(step.steps, population);
    if ("pick" in step)
      return step.pick.some(({ weight, steps: inner }) => weight > 0 && allocates(inner, population));
    return "steps" in step && allocates(step.steps, population);
  });
}

/**
 * The program of a workload, as the native source `workload` takes it. Throws WorkloadError for what is wrong with the file,
 * and where the threads of the overrides are too many.
 */
export function compileWorkload(workload: Workload, overrides: WorkloadOverrides = {}): string {
  const { spec, hash } = workload;
  const events = overrides.events ?? spec.events;
  const threads = overrides.threads ?? spec.threads;
  const liveBytes = overrides.liveBytes ?? spec.live ?? DEFAULT_LIVE_BYTES;
  try {
    const jobs = Object.keys(spec.jobs ?? {}).length;
    if (threads < 1)
      throw new Mistake(["threads"], "a workload needs a thread at least", "Write --threads 1 or more.");
    if (threads + jobs > MOST_THREADS)
      throw new Mistake(
        ["threads"],
        `${threads} threads and ${jobs} of jobs are more than ${MOST_THREADS}`,
        "Use fewer threads.",
      );
    return JSON.stringify({
      name: spec.workload,
      hash,
      seed: overrides.seed ?? 1,
      events,
      threads,
      liveBytes,
      paceNs: spec.pace ?? DEFAULT_PACE_NS,
      openingEvents: Math.floor(events * (spec["opening-share"] ?? OPENING_SHARE)),
      ...new Compiler(spec, liveBytes, events).compile(),
    });
  } catch (error) {
    throw workload.locate(error);
  }
}
