import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, runTool, Scratch } from "./tool.js";

const saved = join(root, "test/fixtures/results/schema-1.json");

describe("report", () => {
  it("renders a result of the first schema in every format", async () => {
    const scratch = new Scratch();
    const formats = ["json", "markdown", "csv", "junit", "prometheus"];
    const exports = formats.flatMap((format) => [`--export-${format}`, scratch.file(format)]);
    const { code, stdout, stderr } = await runTool(["report", saved, "-v", ...exports], { scratch });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^malloc +15\.\d MiB/m);
    expect(JSON.parse(readFileSync(scratch.file("json"), "utf8"))).toEqual(
      JSON.parse(readFileSync(saved, "utf8")),
    );
    for (const format of formats) expect(readFileSync(scratch.file(format), "utf8")).toContain("rustydb");
  });

  it("takes a result from a pipe and keeps what it does not know", async () => {
    const scratch = new Scratch();
    const other = scratch.file("other.json");
    writeFileSync(other, JSON.stringify({ ...JSON.parse(readFileSync(saved, "utf8")), later: [1] }));
    const command = [
      "bash",
      "-c",
      '"$0" "$1" report - --json < "$2"',
      process.execPath,
      join(root, "bin/rustydb-mem.js"),
    ];
    const { code, stdout } = await runTool([other], { scratch, command });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).later).toEqual([1]);
  });

  it("puts several side by side, and says what is of one only", async () => {
    const scratch = new Scratch();
    const both = await runTool(["report", saved, saved, "--json", "--reference", "2"], { scratch });
    expect(both.code).toBe(0);
    const { reference, rows, warnings } = JSON.parse(both.stdout);
    expect([reference, warnings]).toEqual([1, []]);
    expect(rows[0].peakChanges).toMatchObject([{ change: { median: 1 }, different: false }, null]);
    const junit = await runTool(["report", saved, saved, "--export-junit", scratch.file("x")]);
    expect(junit.code).toBe(1);
    expect(junit.stderr).toContain("--export-junit is of one result");
    const far = await runTool(["report", saved, "--reference", "2"]);
    expect(far.stderr).toContain("--reference 2: there is 1 file");
  });
});
