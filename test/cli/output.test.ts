import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { bin, root, runTool, Scratch } from "./tool.js";

const escapeCode = "\u001b";

function smallTrace(scratch: Scratch): string {
  const path = scratch.file("small.csv");
  writeSmallTrace(path);
  return path;
}

describe("replay of a small trace", () => {
  it("ends with a report that leads with the answer", async () => {
    const scratch = new Scratch();
    const { code, stdout } = await runTool(
      ["replay", smallTrace(scratch), "-a", "malloc,rustydb", "-r", "2"],
      {
        scratch,
      },
    );
    expect(code).toBe(0);
    const [answer] = stdout.trimStart().split("\n");
    expect(answer).toMatch(/rustydb .*(faster|slower|as fast|time)/);
    expect(stdout).toMatch(/^.*malloc.*$/m);
    expect(stdout).toMatch(/small\.csv/);
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("writes no escape code into a pipe", async () => {
    const scratch = new Scratch();
    const { code, stdout, stderr } = await runTool(
      ["replay", smallTrace(scratch), "-a", "malloc,rustydb", "-r", "2"],
      { scratch, env: { TERM: "xterm-256color", CI: "", FORCE_COLOR: "" } },
    );
    expect(code).toBe(0);
    expect(stdout).not.toContain(escapeCode);
    expect(stderr).not.toContain(escapeCode);
  });

  it("with --json prints JSON and nothing else", async () => {
    const scratch = new Scratch();
    const args = ["replay", smallTrace(scratch), "-a", "all", "-r", "2", "--json"];
    const { code, stdout } = await runTool(args, { scratch });
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.schemaVersion).toBe(1);
    const { results, traces, comparisons } = result;
    expect(results.map((row: { allocator: string }) => row.allocator)).toEqual(
      expect.arrayContaining(["rustydb", "slab", "arena", "large", "malloc"]),
    );
    for (const row of results) {
      expect(row.verified).toBe(true);
      expect(row.rounds).toHaveLength(2);
      expect(row.memory.peakLiveBytes).toBe(traces[0].peakLiveBytes);
      expect(Math.abs(row.replayedOverRecordedPeak - 1)).toBeLessThan(0.01);
    }
    expect(comparisons.length).toBeGreaterThan(0);

    const inspected = JSON.parse(
      (await runTool(["inspect", smallTrace(scratch), "--json"], { scratch })).stdout,
    );
    expect(JSON.stringify(inspected)).toContain(`${traces[0].peakLiveBytes}`);
  });

  it("exports every format to files", async () => {
    const scratch = new Scratch();
    const files = ["json", "markdown", "csv", "junit", "prometheus"].map((format) => [
      `--export-${format}`,
      scratch.file(`report.${format}`),
    ]);
    const { code } = await runTool(
      ["replay", smallTrace(scratch), "-a", "malloc,slab", "-r", "2", "--no-verify", ...files.flat()],
      { scratch },
    );
    expect(code).toBe(0);
    for (const [, file = ""] of files) expect(readFileSync(file, "utf8")).toMatch(/slab/);
    expect(JSON.parse(readFileSync(scratch.file("report.json"), "utf8")).results[0].verified).toBeNull();
    expect(readFileSync(scratch.file("report.markdown"), "utf8")).toMatch(/^\|.*\|$/m);
  });

  it("does not mind a closed pipe", () => {
    const scratch = new Scratch();
    const command = `"$0" "$1" replay "$2" -a malloc,slab -r 2 --json | head -c 1; echo " $\{PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync(
      "bash",
      ["-c", command, process.execPath, bin, smallTrace(scratch)],
      {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, TMPDIR: scratch.temporary },
      },
    );
    expect(stdout).toMatch(/^\{ 0$/m);
    expect(stderr).not.toMatch(/EPIPE| {4}at /);
    expect(scratch.leftBehind()).toEqual([]);
  });
});

describe("convert", () => {
  it("goes from CSV to .rmt.gz and back to the same rows", async () => {
    const scratch = new Scratch();
    const [first, packed, second] = [scratch.file("a.csv"), scratch.file("b.rmt.gz"), scratch.file("c.csv")];
    expect((await runTool(["convert", smallTrace(scratch), first])).code).toBe(0);
    expect((await runTool(["convert", first, packed])).code).toBe(0);
    expect((await runTool(["convert", packed, second])).code).toBe(0);
    expect(existsSync(packed)).toBe(true);
    expect(readFileSync(second, "utf8")).toBe(readFileSync(first, "utf8"));
  });
});

describe("a full disk behind standard output", () => {
  it("is one line of error, and no stack", async () => {
    const { code, stderr } = await runTool(["-c", `${process.execPath} ${bin} config show > /dev/full`], {
      command: ["bash"],
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: standard output could not be written: ENOSPC[^\n]*\n$/);
  });
});
