import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/native.js";
import { runTrace } from "../../src/trace/source.js";

interface Entry {
  readonly file: string;
  readonly name: string;
  readonly events: number;
  readonly threads: number;
  readonly sha256: string;
}

const folder = join(packageRoot, "workloads");
const { traces } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
  traces: readonly Entry[];
};

describe("the shipped traces", () => {
  it("are listed by name", () => {
    const names = traces.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(["oltp-tpcc", "sqlite-tpcc"]));
  });

  it.each(traces)("are what the manifest says: $name", async ({ file, sha256, events, threads }) => {
    const run = await runTrace(join(folder, file), { kind: "inspect" }, { strict: true });
    expect(run.file.sha256).toBe(sha256);
    expect(statSync(join(folder, file)).size).toBeLessThan(2_000_000);
    expect(run.analysis).toMatchObject({ events });
    expect(run.analysis?.threads.length).toBe(threads);
    expect(run.analysis?.events).toBeGreaterThan(400_000);
    expect(run.report).toMatchObject({ dropped: 0, warnings: [] });
  });
});
