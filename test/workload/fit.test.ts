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
