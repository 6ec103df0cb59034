import { describe, expect, it } from "vitest";
import { WorkloadError } from "../../src/errors.js";
import { compileWorkload } from "../../src/workload/compile.js";
import { readWorkload } from "../../src/workload/document.js";

const GOOD = `workload: good
threads: 2
events: 1000
live: 1MiB
kinds:
  row: { size: 64 }
populations:
  cache: { dies: random, share: 50% }
  old: { dies: epoch }
  sent: { dies: queue, to: sweep }
transactions:
  order:
    weight: 1
    steps:
      - { alloc: row, lifetime: cache }
      - repeat: 3
        steps:
          - alloc: row
jobs:
  sweep:
    every: 1ms
    steps:
      - { collect: old }
phases:
  - { name: all, for: 100% }
`;

/** The error of the good file with one piece changed. */
function errorOf(from: string | RegExp, to: string): WorkloadError {
  const text = GOOD.replace(from, to);
  expect(text).not.toBe(GOOD);
  try {
    compileWorkload(readWorkload(text, "bad.yaml"));
  } catch (error) {
    if (error instanceof WorkloadError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

/** What is changed, into what; the place, what is said, and the remedy. */
const mistakes: readonly [string, string | RegExp, string, string, string | RegExp, string | RegExp][] = [
  [
    "a mistyped name",
    "threads:",
    "thraeds:",
    "2:1: thraeds",
    'a workload has no "thraeds"',
    'Did you mean "threads"?',
  ],
  [
    "an opening that makes nothing, since its chance is none",
    "share: 50% }",
    "share: 50%, opening: [{ chance: 0, steps: [{ alloc: row }] }] }",
    "8:38: populations.cache.opening",
    "the opening steps make no member of the population",
    /alloc step/,
  ],
  [
    "a batch that no collector has",
    "dies: epoch }",
    "dies: epoch, batch: 5000000000 }",
    "9:23: populations.old.batch",
    "a batch has at most a million blocks",
    /64/,
  ],
  ["a missing part", "events: 1000\n", "", "1:1: events", '"events" is missing', /Add events/],
  [
    "a mistyped step",
    "- repeat: 3",
    "- repaet: 3",
    "16:9: transactions.order.steps[1].repaet",
    "this is no step",
    'Did you mean "repeat"?',
  ],
  [
    "a field of no step",
    "alloc: row, lifetime",
    "alloc: row, lifespan",
    "15:23: transactions.order.steps[0].lifespan",
    'the step alloc has no "lifespan"',
    /lifetime/,
  ],
  [
    "a step deep inside",
    "          - alloc: row\n",
    "          - alloc: row\n            cuont: 4\n",
    "19:13: transactions.order.steps[1].steps[0].cuont",
    /has no "cuont"/,
    'Did you mean "count"?',
  ],
  [
    "a text for a size",
    "size: 64",
    "size: large",
    "6:10: kinds.row.size",
    '"large" is no size and no distribution',
    /64, 4KiB/,
  ],
  [
    "an unknown distribution",
    "size: 64",
    "size: { lognormale: 3 }",
    "6:18: kinds.row.size.lognormale",
    'there is no distribution "lognormale"',
    'Did you mean "lognormal"?',
  ],
  [
    "two distributions",
    "size: 64",
    "size: { uniform: [1, 2], zipf: 3 }",
    "6:35: kinds.row.size.zipf",
    /has one name/,
    /uniform/,
  ],
  [
    "a parameter that a distribution has not",
    "size: 64",
    "size: { lognormal: { median: 9, sgima: 1 } }",
    "6:42: kinds.row.size.lognormal.sgima",
    /no sgima/,
    'Did you mean "sigma"?',
  ],
  [
    "a parameter that is missing",
    "size: 64",
    "size: { zipf: { max: 9 } }",
    "6:18: kinds.row.size.zipf",
    /lacks its exponent/,
    "Add exponent: … to it.",
  ],
  [
    "median and mean at once",
    "size: 64",
    "size: { lognormal: { median: 9, mean: 9, sigma: 1 } }",
    "6:18: kinds.row.size.lognormal",
    /a median or a mean/,
    /exactly one/,
  ],
  [
    "min above max",
    "size: 64",
    "size: { uniform: [9, 3] }",
    "6:18: kinds.row.size.uniform",
    /smallest value \(9\) is above the largest \(3\)/,
    /Swap/,
  ],
  [
    "a row that is none",
    "size: 64",
    "size: { empirical: [[1, 2], 3] }",
    "6:38: kinds.row.size.empirical[1]",
    /no row/,
    /\[value, weight\]/,
  ],
  [
    "weights of nothing",
    "size: 64",
    "size: { empirical: [[1, 0]] }",
    "6:18: kinds.row.size.empirical",
    /no value has a weight/,
    /a weight/,
  ],
  [
    "a time without unit",
    "every: 1ms",
    "every: 5",
    "21:5: jobs.sweep.every",
    "5 is no time and no distribution",
    /250us/,
  ],
  [
    "a share that is none",
    "share: 50%",
    "share: most",
    "8:26: populations.cache.share",
    '"most" is not a share of 0 to 100 %',
    "Write it like 8% or 0.08.",
  ],
  [
    "a share above the whole",
    "share: 50%",
    "share: 150%",
    "8:26: populations.cache.share",
    /not a share/,
    /8%/,
  ],
  [
    "an unknown death",
    "dies: random",
    "dies: drowned",
    "8:12: populations.cache.dies",
    "there is no such death",
    /epoch/,
  ],
  ["no thread", "threads: 2", "threads: 0", "2:1: threads", "threads must be 1 to 1024", /like 4/],
  [
    "too many threads with those of jobs",
    "threads: 2",
    "threads: 1024",
    "2:1: threads",
    /1024 threads and 1 of jobs are more than 1024/,
    /fewer/,
  ],
  ["an alignment", "size: 64 }", "size: 64, align: 48 }", "6:20: kinds.row.align", /power of two/, /16, 64/],
  [
    "an unknown kind",
    "alloc: row, lifetime",
    "alloc: rwo, lifetime",
    "15:11: transactions.order.steps[0].alloc",
    'there is no kind "rwo"',
    /Known here: row|Did you mean "row"/,
  ],
  [
    "an unknown population",
    "lifetime: cache",
    "lifetime: cahce",
    "15:23: transactions.order.steps[0].lifetime",
    'there is no population "cahce"',
    'Did you mean "cache"?',
  ],
  [
    "an unknown job",
    "to: sweep",
    "to: sweeper",
    "10:24: populations.sent.to",
    'there is no job "sweeper"',
    'Did you mean "sweep"?',
  ],
  [
    "a population without a target",
    "dies: random, share: 50%",
    "dies: random",
    "8:3: populations.cache",
    /needs a target/,
    /share/,
  ],
  [
    "a target that can't be held",
    "dies: epoch",
    "dies: never, share: 10%",
    "9:23: populations.old.share",
    /can't be held/,
    /share out/,
  ],
  [
    "shares above the whole together",
    "dies: epoch",
    "dies: epoch, share: 80%",
    "7:1: populations",
    /130 % of the live bytes/,
    /100 %/,
  ],
  ["no age to die of", "dies: epoch", "dies: age", "9:3: populations.old", /needs one/, /age:/],
  [
    "an age that is not died of",
    "dies: epoch",
    "dies: epoch, age: 1ms",
    "9:23: populations.old.age",
    /only what dies by age/,
    /dies: age/,
  ],
  [
    "an opening that makes no member",
    "share: 50%",
    "share: 50%, opening: [{ alloc: row, lifetime: old }]",
    "8:38: populations.cache.opening",
    /make no member/,
    /alloc step/,
  ],
  [
    "a population named like a lifetime",
    /cache/g,
    "steps",
    "8:3: populations.steps",
    /a lifetime already/,
    /another name/,
  ],
  [
    "nothing to die with",
    "- { collect: old }",
    "- { alloc: row }",
    "23:11: jobs.sweep.steps[0].alloc",
    /no transaction here to die with/,
    /transaction: true/,
  ],
  [
    "a savepoint in no transaction",
    "- { collect: old }",
    "- { savepoint: s, steps: [] }",
    "23:11: jobs.sweep.steps[0].savepoint",
    /no transaction here for a savepoint/,
    /transaction: true/,
  ],
  [
    "a collection without epochs",
    "collect: old",
    "collect: cache",
    "23:11: jobs.sweep.steps[0].collect",
    /has no epochs/,
    /dies: epoch/,
  ],
  [
    "a drop that nothing keeps",
    "- { collect: old }",
    "- { drop: sent }",
    "23:11: jobs.sweep.steps[0].drop",
    /nothing can be dropped/,
    /random, oldest or epoch/,
  ],
  [
    "weights of no transaction",
    "weight: 1",
    "weight: 0",
    "11:1: transactions",
    /no transaction type has a weight/,
    /at least one/,
  ],
  [
    "a weight that is none",
    "weight: 1",
    "weight: heavy",
    "13:5: transactions.order.weight",
    "a weight is a number",
    /45/,
  ],
  ["phases that are not the whole", "for: 100%", "for: 60%", "24:1: phases", /60 % of the events/, /100 %/],
  [
    "a phase of an unknown type",
    "for: 100%",
    "for: 100%, weights: { odrer: 2 }",
    "25:40: phases[0].weights.odrer",
    'there is no transaction type "odrer"',
    'Did you mean "order"?',
  ],
  [
    "a phase of an unknown kind",
    "for: 100%",
    "for: 100%, sizes: { raw: 200% }",
    "25:38: phases[0].sizes.raw",
    'there is no kind "raw"',
    'Did you mean "row"?',
  ],
  [
    "a phase of an unknown population",
    "for: 100%",
    "for: 100%, populations: { cash: 10% }",
    "25:44: phases[0].populations.cash",
    'there is no population "cash"',
    /Known here|Did you mean/,
  ],
  [
    "a branch of no weight",
    "- alloc: row\n",
    "- pick: [{ weight: 0, steps: [] }]\n",
    "18:13: transactions.order.steps[1].steps[0].pick",
    /no branch has a weight/,
    /a weight/,
  ],
  [
    "a free of what",
    "- alloc: row\n",
    "- free: all\n",
    "18:13: transactions.order.steps[1].steps[0].free",
    /newest, oldest or any/,
    "Write free: newest.",
  ],
  [
    "steps that are no list",
    "steps:\n          - alloc: row",
    "steps: alloc",
    "17:9: transactions.order.steps[1].steps",
    /steps are a list/,
    /dash/,
  ],
  [
    "samples without a limit",
    /$/,
    "samples: { every: 1s }\n",
    "26:1: samples.limit",
    '"limit" is missing',
    /limit/,
  ],
  ["no YAML", "kinds:", "kinds: [", /./ as unknown as string, /this is not YAML/, /Mend/],
];

describe("a mistake in a workload file", () => {
  it("is not in the good one", () => {
    expect(() => compileWorkload(readWorkload(GOOD, "good.yaml"))).not.toThrow();
  });

  it.each(mistakes)("%s: is told with its place and a remedy", (_, from, to, place, what, remedy) => {
    const error = errorOf(from, to);
    if (typeof place === "string") expect(error.place()).toBe(`bad.yaml:${place}`);
    else expect(error.place()).toMatch(/^bad\.yaml:\d+:\d+$/);
    if (typeof what === "string") expect(error.message).toBe(what);
    else expect(error.message).toMatch(what);
    if (typeof remedy === "string") expect(error.remedy).toBe(remedy);
    else expect(error.remedy).toMatch(remedy);
    expect(error.message).not.toMatch(/\n|Invalid|expected|undefined/);
  });

  it("may be made by a phase's factor, or by the command line", () => {
    const large = GOOD.replace("size: 64", "size: 1TiB").replace("100% }", "100%, sizes: { row: 1000 } }");
    expect(() => compileWorkload(readWorkload(large, "bad.yaml"))).toThrow(/larger than any block/);
    const good = readWorkload(GOOD, "good.yaml");
    expect(() => compileWorkload(good, { threads: 0 })).toThrow(/a thread at least/);
  });

  it("is not in comments, in the order of names, or in how a number is spelled: the hash stays", () => {
    const same = GOOD.replace("threads: 2\nevents: 1000\n", "# so many\nevents: 1000\nthreads: 2\n").replace(
      "1MiB",
      "1024KiB",
    );
    expect(readWorkload(same, "b").hash).toBe(readWorkload(GOOD, "a").hash);
    expect(readWorkload(GOOD.replace("size: 64", "size: 65"), "b").hash).not.toBe(
      readWorkload(GOOD, "a").hash,
    );
  });
});
