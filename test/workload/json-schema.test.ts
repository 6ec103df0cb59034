import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { packageRoot } from "../../src/native.js";
import { runGenerated } from "../../src/trace/generated.js";
import { TraceFit } from "../../src/workload/fit.js";
import { workloadJsonSchema } from "../../src/workload/json-schema.js";
import { findWorkload, shippedProgram } from "../../src/workload/shipped.js";
import { shippedWorkloads } from "../../src/workload/shipped-names.js";

const folder = join(packageRoot, "workloads");
const committed: unknown = JSON.parse(readFileSync(join(folder, "workload.schema.json"), "utf8"));
const schema = z.fromJSONSchema(committed as Parameters<typeof z.fromJSONSchema>[0]);
const takes = (value: unknown): boolean => schema.safeParse(value).success;

/** A small workload with `steps` in its transaction and `more` beside. */
const workload = (steps: unknown, more: Record<string, unknown> = {}): unknown => ({
  workload: "w",
  threads: 1,
  events: 100,
  kinds: { row: { size: 64 } },
  transactions: { t: { weight: 1, steps } },
  ...more,
});

describe("the JSON schema of workload files", () => {
  it("is in the repository as generate --schema prints it now", () => {
    expect(committed).toEqual(workloadJsonSchema());
  });

  it.each(shippedWorkloads())("takes %s, which names it in its first line", (name) => {
    const text = readFileSync(join(folder, `${name}.yaml`), "utf8");
    expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=./workload.schema.json");
    expect(schema.safeParse(parse(text))).toMatchObject({ success: true });
  });

  it("takes what generate --from writes", async () => {
    const fit = new TraceFit();
    const program = shippedProgram("savepoint-storm", { events: 20_000 });
    await runGenerated(program, { kind: "csv" }, { onOutput: (bytes) => fit.take(bytes) });
    expect(schema.safeParse(parse(fit.workload("some.rmt", {})))).toMatchObject({ success: true });
  });

  it.each<[string, unknown]>([
    [
      "sizes with and without units",
      [
        { alloc: "row", size: "1.5 kib" },
        { alloc: "row", size: 64 },
      ],
    ],
    ["a share in percent or as a number", [{ chance: "40%", steps: [{ chance: 0.4, steps: [] }] }]],
    [
      "short and long parameters",
      [{ repeat: { uniform: [1, 3] }, steps: [{ think: { exponential: { mean: "1ms" } } }] }],
    ],
    ["a lognormal by its mean", [{ alloc: "row", size: { lognormal: { mean: "1KiB", sigma: 1 }, step: 8 } }]],
    ["branches", [{ pick: [{ weight: 1, steps: [] }] }]],
  ])("takes %s", (_, steps) => {
    expect(takes(workload(steps))).toBe(true);
  });

  it.each<[string, unknown, Record<string, unknown>?]>([
    ["an unknown step", [{ allocate: "row" }]],
    ["a step with a name that it has not", [{ alloc: "row", savepoint: "s", steps: [] }]],
    ["a savepoint without steps, deep inside", [{ chance: 0.5, steps: [{ savepoint: "s" }] }]],
    ["a size of no unit there is", [{ alloc: "row", size: "64 pages" }]],
    ["a time without a unit", [{ think: 5 }]],
    ["a count in bytes", [{ alloc: "row", count: "4KiB" }]],
    ["an unknown distribution", [{ alloc: "row", size: { gauss: { mean: 5 } } }]],
    ["a lognormal without a middle", [{ alloc: "row", size: { lognormal: { sigma: 1 } } }]],
    ["a share above 100 %", [{ chance: 1.5, steps: [] }]],
    ["a death there is not", [], { populations: { p: { dies: "old" } } }],
    ["a name that no workload has", [], { treads: 4 }],
  ])("refuses %s", (_, steps, more) => {
    expect(takes(workload([]))).toBe(true);
    expect(takes(workload(steps, more))).toBe(false);
  });

  it("changes nothing of what a workload makes: the shipped trace has its hash", () => {
    const { traces } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
      traces: { name: string; origin: string }[];
    };
    const made = traces.find(({ origin }) => origin.startsWith("generated"));
    expect(made?.origin).toContain(findWorkload(made?.name ?? "").hash);
  });
});
