import { describe, expect, it } from "vitest";
import { runGenerated } from "../../src/trace/generated.js";
import { compileWorkload } from "../../src/workload/compile.js";
import { choice, scaled, tabulate } from "../../src/workload/distribution.js";
import { readWorkload } from "../../src/workload/document.js";
import { type DistributionSpec, distribution } from "../../src/workload/shape.js";

const spec = (value: unknown): DistributionSpec => distribution("size").parse(value);

/** Mean and standard deviation of a table: what the alias rows mean, summed. */
function momentsOf(row: readonly number[]): { mean: number; deviation: number } {
  const unit = row[0] ?? 1;
  const bins = Array.from({ length: (row.length - 1) / 4 }, (_, at) => row.slice(1 + at * 4, 5 + at * 4));
  const shares = bins.map(() => 0);
  for (const [at, [, , threshold = 0, alias = 0]] of bins.entries()) {
    const own = (threshold + 1) / 2 ** 32;
    shares[at] = (shares[at] ?? 0) + own / bins.length;
    shares[alias] = (shares[alias] ?? 0) + (1 - own) / bins.length;
  }
  let mean = 0;
  let square = 0;
  for (const [at, [low = 0, width = 1]] of bins.entries()) {
    const middle = low + (width - 1) / 2;
    mean += (shares[at] ?? 0) * middle;
    square += (shares[at] ?? 0) * (middle ** 2 + (width ** 2 - 1) / 12);
  }
  return { mean: mean * unit, deviation: Math.sqrt(Math.max(square - mean ** 2, 0)) * unit };
}

/** The same of weighted whole numbers, by adding them up. */
function summed(
  from: number,
  to: number,
  weight: (value: number) => number,
): { mean: number; deviation: number } {
  let all = 0;
  let mean = 0;
  let square = 0;
  for (let value = from; value <= to; value += 1) {
    const share = weight(value);
    all += share;
    mean += share * value;
    square += share * value ** 2;
  }
  return { mean: mean / all, deviation: Math.sqrt(square / all - (mean / all) ** 2) };
}

const lognormal = (median: number, sigma: number) => (value: number) =>
  Math.exp(-(Math.log(value / median) ** 2) / (2 * sigma ** 2)) / value;

const shapes: readonly [string, unknown, { mean: number; deviation: number }][] = [
  ["a constant", 4096, { mean: 4096, deviation: 0 }],
  ["uniform", { uniform: [100, 900] }, { mean: 450 + 50, deviation: Math.sqrt((801 ** 2 - 1) / 12) }],
  [
    "uniform in steps",
    { uniform: [64, 1024], step: 64 },
    { mean: 544, deviation: 64 * Math.sqrt((16 ** 2 - 1) / 12) },
  ],
  [
    "lognormal by its median",
    { lognormal: { median: 2000, sigma: 0.6 } },
    { mean: 2000 * Math.exp(0.18), deviation: 2000 * Math.exp(0.18) * Math.sqrt(Math.exp(0.36) - 1) },
  ],
  [
    "lognormal by its mean",
    { lognormal: { mean: 5000, sigma: 1 } },
    { mean: 5000, deviation: 5000 * Math.sqrt(Math.E - 1) },
  ],
  [
    "lognormal cut at both ends",
    { lognormal: { median: 150, sigma: 0.8, min: 64, max: 512 } },
    summed(64, 512, lognormal(150, 0.8)),
  ],
  ["lognormal of small numbers", { lognormal: { median: 6, sigma: 0.5 } }, summed(1, 130, lognormal(6, 0.5))],
  ["exponential", { exponential: { mean: 30_000 } }, { mean: 30_000, deviation: 30_000 }],
  ["log-uniform", { loguniform: [1024, 1_048_576] }, summed(1024, 1_048_576, (value) => 1 / value)],
  ["Zipf", { zipf: { exponent: 1.2, max: 100_000 } }, summed(1, 100_000, (value) => value ** -1.2)],
  [
    "Zipf of exponent 1",
    { zipf: { exponent: 1, min: 16, max: 65_536 } },
    summed(16, 65_536, (value) => 1 / value),
  ],
  ["Zipf of few ranks", { zipf: { exponent: 0.5, max: 10 } }, summed(1, 10, (value) => value ** -0.5)],
  [
    "empirical",
    {
      empirical: [
        [64, 3],
        [128, 1],
        [200, 299, 4],
      ],
    },
    summed(64, 299, (value) => (value === 64 ? 3 : value === 128 ? 1 : value >= 200 ? 0.04 : 0)),
  ],
];

describe("the table of a distribution", () => {
  it.each(shapes)("has the mean and deviation of %s within 1 %", (_, value, wanted) => {
    const found = momentsOf(tabulate(spec(value)));
    expect(Math.abs(found.mean / wanted.mean - 1)).toBeLessThan(0.01);
    expect(Math.abs(found.deviation - wanted.deviation)).toBeLessThanOrEqual(0.01 * wanted.deviation);
  });

  it("chooses by weights, and never what has none", () => {
    const row = choice([3, 0, 1]);
    expect(momentsOf(row).mean).toBeCloseTo(0.5, 6);
    expect(row.filter((_, at) => at % 4 === 1)).toEqual([0, 2]);
  });

  it("scales with a phase", () => {
    const row = tabulate(scaled(spec({ lognormal: { median: 400, sigma: 0.4 } }), 2.5));
    expect(Math.abs(momentsOf(row).mean / (1000 * Math.exp(0.08)) - 1)).toBeLessThan(0.01);
  });
});

/** Sizes that the native generator made of a distribution. */
async function sample(size: string): Promise<number[]> {
  const text = `
workload: one
threads: 1
events: 450000
kinds: { block: { size: ${size} } }
transactions: { only: { weight: 1, steps: [{ alloc: block, count: 1000 }] } }
`;
  const sizes: number[] = [];
  let rest = "";
  await runGenerated(
    compileWorkload(readWorkload(text, "one.yaml"), { seed: 11 }),
    { kind: "csv" },
    {
      onOutput: (bytes) => {
        const lines = (rest + bytes.toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const [, , event, , , bytesAsked] = line.split(",");
          if (event === "alloc") sizes.push(Number(bytesAsked));
        }
      },
    },
  );
  return sizes;
}

describe("what is generated", () => {
  it.each([
    ["uniform", "{ uniform: [100, 900] }", { mean: 500, deviation: 231.2 }],
    ["lognormal", "{ lognormal: { median: 2000, sigma: 0.5 } }", { mean: 2266.3, deviation: 1207.8 }],
    ["Zipf", "{ zipf: { exponent: 1.1, max: 5000 } }", summed(1, 5000, (value) => value ** -1.1)],
    ["exponential", "{ exponential: { mean: 3000 } }", { mean: 3000, deviation: 3000 }],
    ["empirical", "{ empirical: [[64, 3], [512, 1]] }", { mean: 176, deviation: 193.99 }],
  ])("is %s within 1 %%", async (_, size, wanted) => {
    const sizes = await sample(size);
    expect(sizes.length).toBeGreaterThan(400_000);
    const mean = sizes.reduce((sum, each) => sum + each, 0) / sizes.length;
    const deviation = Math.sqrt(sizes.reduce((sum, each) => sum + (each - mean) ** 2, 0) / sizes.length);
    expect(Math.abs(mean / wanted.mean - 1)).toBeLessThan(0.01);
    expect(Math.abs(deviation / wanted.deviation - 1)).toBeLessThan(0.01);
  });
});
