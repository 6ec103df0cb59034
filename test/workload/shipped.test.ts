import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseAllocators } from "../../src/engine/allocators.js";
import { namedTrace } from "../../src/engine/named-trace.js";
import { compileGenerated, compilePlan } from "../../src/engine/plan.js";
import { runRound } from "../../src/engine/replayer.js";
import { Workspace } from "../../src/engine/workspace.js";
import { packageRoot } from "../../src/native.js";
import { runGenerated } from "../../src/trace/generated.js";
import { TraceOutput } from "../../src/trace/output.js";
import { runTrace } from "../../src/trace/source.js";
import { findWorkload, shippedProgram } from "../../src/workload/shipped.js";
import { shippedWorkloads } from "../../src/workload/shipped-names.js";

const EVENTS = 30_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "workload-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function write(name: string, program: string): Promise<string> {
  const path = join(folder, `${name}.rmt`);
  const output = await TraceOutput.open(path, { format: "rmt", force: true });
  await runGenerated(program, { kind: "rmt" }, { onOutput: (bytes) => output.write(bytes) });
  await output.commit();
  return path;
}

describe("the shipped workloads", () => {
  it("are these", () => {
    expect(shippedWorkloads()).toEqual([
      "bulk-load",
      "leak-to-oom",
      "lob-ingest",
      "long-running-aging",
      "mixed-htap",
      "mvcc-churn",
      "olap-sort-join",
      "oltp-point",
      "oltp-tpcc",
      "savepoint-storm",
      "spike",
    ]);
  });

  it.each(shippedWorkloads())("%s makes a valid trace that says where it comes from", async (name) => {
    const { spec, hash } = findWorkload(name);
    expect(spec.workload).toBe(name);
    expect(spec.description?.length).toBeGreaterThan(40);
    const path = await write(name, shippedProgram(name, { events: EVENTS, seed: 5 }));
    const { header, analysis, report } = await runTrace(path, { kind: "inspect" }, { strict: true });
    expect(header).toMatchObject({ workload: name, workloadHash: hash, seed: "5" });
    expect(report).toMatchObject({ dropped: 0, repaired: 0, warnings: [] });
    expect(analysis?.events).toBeGreaterThanOrEqual(EVENTS * 0.9);
    expect(analysis?.events).toBeLessThan(EVENTS * 1.5);
    expect(analysis?.transactions.openAtEnd).toBe(0);
    expect(analysis?.threads).toHaveLength(spec.threads + Object.keys(spec.jobs ?? {}).length);
    // Every kind that the file declares is there for something.
    const kinds = analysis?.kinds.map(({ kind }) => kind) ?? [];
    expect(kinds.filter((kind) => kind !== "unknown" && !(kind in spec.kinds))).toEqual([]);
  });

  it.each(shippedWorkloads())("%s is verified by a check round", async (name) => {
    const workspace = new Workspace();
    try {
      // As little alive as shows every mechanism: the check writes and reads every byte.
      const program = shippedProgram(name, { events: 10_000, liveBytes: 4 * 1024 * 1024 });
      const { path, summary } = await compileGenerated(program, name, workspace);
      const [rustydb] = chooseAllocators(["rustydb"]).allocators;
      if (rustydb === undefined) throw new Error("rustydb is built in");
      const { passes } = await runRound({
        allocator: rustydb,
        mode: "check",
        planPath: path,
        order: "recorded",
        warmPasses: 1,
        touch: "page",
        speed: "max",
        idleMs: 0,
      });
      expect(passes.length).toBeGreaterThan(0);
      expect(summary.events).toBeGreaterThan(9_000);
    } finally {
      workspace.dispose();
    }
  });

  it("are replayed by their names, and so are files", async () => {
    const workspace = new Workspace();
    try {
      const plan = { threads: 0, withTimes: false };
      const byName = await compilePlan(await namedTrace("oltp-tpcc"), "a", workspace, plan);
      const byFile = await compilePlan(
        await namedTrace(join(packageRoot, "workloads", "oltp-tpcc.yaml")),
        "b",
        workspace,
        plan,
      );
      expect(byName.trace.events).toBeGreaterThan(590_000);
      expect(byFile.trace.sha256).toBe(byName.trace.sha256);
      await expect(namedTrace("oltp-tcpp")).rejects.toMatchObject({
        remedy: expect.stringMatching(/oltp-tpcc/),
      });
    } finally {
      workspace.dispose();
    }
  });

  it("make the same file for the same seed, and another for another", async () => {
    const bytes = async (seed: number): Promise<Buffer> =>
      readFileSync(await write("seed", shippedProgram("mixed-htap", { events: EVENTS, seed })));
    const once = await bytes(3);
    expect((await bytes(3)).equals(once)).toBe(true);
    expect((await bytes(4)).equals(once)).toBe(false);
  });

  it("take another number of threads and another target of what is alive", async () => {
    const program = shippedProgram("oltp-point", { events: 100_000, threads: 3, liveBytes: 2 * 1024 * 1024 });
    const { analysis } = await runGenerated(program, { kind: "inspect" });
    expect(analysis?.threads).toHaveLength(4);
    // 85 % of it is held by populations; transactions have theirs beside it.
    expect(analysis?.peak.liveBytes).toBeGreaterThan(1.4 * 1024 * 1024);
    expect(analysis?.peak.liveBytes).toBeLessThan(2.4 * 1024 * 1024);
  });

  it("for the forecaster read memory, and one runs into its limit", async () => {
    const spike = await runGenerated(shippedProgram("spike", { events: 60_000 }), { kind: "inspect" });
    expect(spike.analysis?.samples).toBeGreaterThan(30);
    const leak = await runGenerated(shippedProgram("leak-to-oom"), { kind: "inspect" });
    expect(leak.analysis?.largestSampleUsedBytes).toBe(2 ** 30);
    expect(leak.analysis?.samples).toBeGreaterThan(600);
  });

  it("have age: the survivors of long-running-aging are of every order of magnitude", async () => {
    const { analysis } = await runGenerated(shippedProgram("long-running-aging", { events: 400_000 }), {
      kind: "inspect",
    });
    const lifetimes = analysis?.lifetimeEvents.byBitWidth ?? [];
    expect(lifetimes.slice(2, 18).every((count) => count > 50)).toBe(true);
    const marks = analysis?.marks.map(({ text }) => text) ?? [];
    expect(marks.filter((text) => text.startsWith("phase "))).toHaveLength(8);
  });

  it("are packed with the tool", () => {
    const { files } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
      files: string[];
    };
    expect(files).toContain("workloads");
  });
});
