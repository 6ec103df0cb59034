import { describe, expect, it } from "vitest";
import type { TraceAnalysis } from "../../src/native.js";
import { runGenerated } from "../../src/trace/generated.js";
import { compileWorkload } from "../../src/workload/compile.js";
import { readWorkload } from "../../src/workload/document.js";
import { TraceFit } from "../../src/workload/fit.js";
import { shippedProgram } from "../../src/workload/shipped.js";

async function analyse(program: string): Promise<TraceAnalysis> {
  const { analysis } = await runGenerated(program, { kind: "inspect" });
  if (analysis === null) throw new Error("no analysis");
  return analysis;
}

async function fitted(program: string): Promise<string> {
  const fit = new TraceFit();
  await runGenerated(program, { kind: "csv" }, { onOutput: (bytes) => fit.take(bytes) });
  return fit.workload("some.rmt", {});
}

const share = (analysis: TraceAnalysis, kind: string): number =>
  (analysis.kinds.find((each) => each.kind === kind)?.births ?? 0) /
  analysis.kinds.reduce((sum, { births }) => sum + births, 0);

describe("a workload fitted to a trace", () => {
  it.each(["oltp-tpcc", "mvcc-churn"])("makes a trace like %s: kinds, sizes, transactions", async (name) => {
    const original = shippedProgram(name, { events: 150_000 });
    const text = await fitted(original);
    const before = await analyse(original);
    const after = await analyse(
      compileWorkload(readWorkload(text, "fitted.yaml"), { events: 150_000, seed: 2 }),
    );
    for (const { kind, births, bytes } of before.kinds) {
      if (births < 2000) continue;
      expect(Math.abs(share(after, kind) / share(before, kind) - 1), kind).toBeLessThan(0.1);
      const again = after.kinds.find((each) => each.kind === kind);
      expect(Math.abs((again?.bytes ?? 0) / (again?.births ?? 1) / (bytes / births) - 1), kind).toBeLessThan(
        0.03,
      );
    }
    const whole = before.transactions.begun;
    for (const { type, begins, aborts } of before.transactions.types) {
      if (begins < 500 || type === "savepoint") continue;
      const again = after.transactions.types.find((each) => each.type === type);
      const wholeAfter = after.transactions.begun;
      expect(Math.abs((again?.begins ?? 0) / wholeAfter / (begins / whole) - 1), type).toBeLessThan(0.15);
      expect((again?.aborts ?? 0) / (again?.begins ?? 1)).toBeCloseTo(aborts / begins, 1);
    }
    const outliving = ({ transactions: { outlivingBlocks, scopedBlocks } }: TraceAnalysis): number =>
      outlivingBlocks / scopedBlocks;
    expect(Math.abs(outliving(after) - outliving(before))).toBeLessThan(0.05);
  });

  it("has the savepoints of the trace: as many, as large, as often rolled back", async () => {
    const original = shippedProgram("savepoint-storm", { events: 600_000 });
    const text = await fitted(original);
    const before = await analyse(original);
    const after = await analyse(
      compileWorkload(readWorkload(text, "fitted.yaml"), { events: 600_000, seed: 2 }),
    );
    const perTransaction = ({ transactions }: TraceAnalysis, name: string): Record<string, number> => {
      const whole = transactions.begun;
      const { begins = 0, aborts = 0 } = transactions.types.find(({ type }) => type === name) ?? {};
      return { begins: begins / whole, aborts: aborts / whole };
    };
    const names = before.transactions.types.map(({ type }) => type);
    expect(names).toEqual(
      expect.arrayContaining(["block", "exception-block", "inner-block", "innermost-block"]),
    );
    for (const name of names) {
      const [was, is] = [perTransaction(before, name), perTransaction(after, name)];
      expect(Math.abs((is.begins ?? 0) / (was.begins ?? 0) - 1), `${name} begins`).toBeLessThan(0.05);
      expect(Math.abs((is.aborts ?? 0) / (was.aborts ?? 0) - 1), `${name} aborts`).toBeLessThan(0.05);
    }
    expect(after.transactions.savepoints / after.transactions.begun).toBeCloseTo(
      before.transactions.savepoints / before.transactions.begun,
      1,
    );
    const births = (analysis: TraceAnalysis, wanted: string): number =>
      (analysis.kinds.find(({ kind }) => kind === wanted)?.births ?? 0) / analysis.transactions.begun;
    for (const { kind } of before.kinds) {
      expect(Math.abs(births(after, kind) / births(before, kind) - 1), kind).toBeLessThan(0.05);
    }
    const outliving = ({ transactions }: TraceAnalysis): number =>
      transactions.outlivingBlocks / transactions.scopedBlocks;
    expect(Math.abs(outliving(after) / outliving(before) - 1)).toBeLessThan(0.05);
  });

  it("takes savepoints as they come in a trace: released, rolled back, left open, without a parent", () => {
    const fit = new TraceFit();
    const rows: string[] = ["event,id,size,scope,parent,kind"];
    for (let at = 0; at < 100; at += 1) {
      const [root, inner, left] = [3 * at + 1, 3 * at + 2, 3 * at + 3];
      rows.push(
        `begin,${root},,,,put`,
        `begin,${inner},,,${root},try`,
        `alloc,${2 * at + 1},48,${inner},,row`,
        `free,${2 * at + 1},,,,`,
        `${at < 25 ? "abort" : "commit"},${inner},,,,`,
        `begin,${left},,,${root},left`,
        `alloc,${2 * at + 2},96,${left},,lock`,
        `free,${2 * at + 2},,,,`,
        `commit,${root},,,,`,
      );
    }
    rows.push("begin,1000,,,999,orphan", "commit,1000,,,,");
    fit.take(new TextEncoder().encode(`${rows.join("\n")}\n`));
    const { spec } = readWorkload(fit.workload("some.csv", {}), "fitted.yaml");
    expect(Object.keys(spec.transactions)).toEqual(["put"]);
    const [first, second] = spec.transactions.put?.steps ?? [];
    expect(first).toMatchObject({ steps: [{ savepoint: "try", rollback: 0.25, steps: [{}] }] });
    expect(second).toMatchObject({ steps: [{ savepoint: "left", steps: [{}] }] });
    expect(JSON.stringify(second)).not.toMatch(/rollback/);
  });

  it("does not follow savepoints deeper than anyone can read", () => {
    const fit = new TraceFit();
    const rows = ["event,id,size,scope,parent,kind"];
    for (let id = 1; id <= 5000; id += 1) rows.push(`begin,${id},,,${id - 1 || ""},deep`);
    rows.push("alloc,1,64,5000,,row");
    for (let id = 5000; id >= 1; id -= 1) rows.push(`commit,${id},,,,`);
    fit.take(new TextEncoder().encode(`${rows.join("\n")}\n`));
    const text = fit.workload("deep.csv", {});
    expect(text.match(/savepoint: deep/g)).toHaveLength(16);
    expect(() => readWorkload(text, "fitted.yaml")).not.toThrow();
  });

  it("takes a trace without transactions and times", () => {
    const fit = new TraceFit();
    fit.take(
      new TextEncoder().encode(
        "time_ns,thread,event,id,new_id,size,align,zeroed,scope,dies_with_scope,parent,inherit,kind,text,used,total\n" +
          Array.from(
            { length: 500 },
            (_, i) =>
              `,1,alloc,${i + 1},,${i % 2 ? 48 : 96},,0,,,,,"a ""kind""",,,\n,1,free,${i + 1},,,,,,,,,,,,\n`,
          ).join(""),
      ),
    );
    const { spec } = readWorkload(fit.workload("plain.txt", {}), "fitted.yaml");
    expect(Object.keys(spec.kinds)).toEqual(['a "kind"']);
    expect(Object.keys(spec.transactions)).toEqual(["outside"]);
    expect(spec.events).toBe(1000);
  });

  it("refuses a trace without blocks", () => {
    expect(() => new TraceFit().workload("empty.rmt", {})).toThrow(/empty.rmt has no allocation/);
  });
});
