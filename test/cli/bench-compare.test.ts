import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ResultFile } from "../../src/measure/measurement.js";
import { mockReplayExecutable } from "../engine/mock-replayer.js";
import { type Outcome, runTool, Scratch } from "./tool.js";

// Its times are the same each time.
mockReplayExecutable({ MOCK_PEAK: "64" });

const bench = (scratch: Scratch, ...more: string[]): Promise<Outcome> =>
  runTool(["bench", "hot-path/pairs", "--quick", "-q", "-a", "malloc,rustydb", ...more], { scratch });

/** A saved result, and a second one in which `edit` changed it. */
async function saved(scratch: Scratch, edit: (file: ResultFile) => void): Promise<string> {
  const path = scratch.file("saved.json");
  const { code } = await bench(scratch, "--export-json", path);
  expect(code).toBe(0);
  const file = JSON.parse(readFileSync(path, "utf8")) as ResultFile;
  edit(file);
  writeFileSync(path, JSON.stringify(file));
  return path;
}

/** As if rustydb had taken so many times the time. */
const scaled = (by: number) => (file: ResultFile) => {
  for (const { allocator, metric, ratio } of file.comparisons) {
    if (allocator !== "rustydb" || metric !== "warm") continue;
    ratio.median *= by;
    if (ratio.low !== null) ratio.low *= by;
    if (ratio.high !== null) ratio.high *= by;
  }
};

describe("bench --compare", () => {
  it.each([
    ["itself", 1, "nothing has changed since", /1\.00×/],
    ["one that was twice as fast", 0.5, "1 of 1 times are longer, 0 shorter", /2\.00×/],
    ["one that was twice as slow", 2, "0 of 1 times are longer, 1 shorter", /0\.50×/],
  ])("with %s says so", async (_, by, answer, ratio) => {
    const scratch = new Scratch();
    const path = await saved(scratch, scaled(by));
    const { code, stdout } = await bench(scratch, "--compare", path);
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, " ")).toContain(answer);
    const table = stdout.slice(stdout.indexOf(`time since ${path}`));
    expect(table).toMatch(new RegExp(`^hot-path/pairs +~?${ratio.source}`, "m"));
  });

  it("says so where nothing can be compared", async () => {
    const scratch = new Scratch();
    const path = await saved(scratch, (file) => {
      file.comparisons = [];
    });
    const { code, stdout } = await bench(scratch, "--compare", path);
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, " ")).toContain(`no time of this could be compared with ${path}`);
  });

  it("gives the changes in the result, with what else is different", async () => {
    const scratch = new Scratch();
    const path = await saved(scratch, (file) => {
      scaled(0.5)(file);
      file.host.kernel = "1.2.3";
    });
    const { stdout } = await bench(scratch, "--compare", path, "--json");
    const { compared } = (JSON.parse(stdout) as ResultFile).bench ?? {};
    expect(compared?.path).toBe(path);
    expect(compared?.changes).toMatchObject([
      { trace: "hot-path/pairs", allocator: "rustydb", metric: "warm", different: true },
    ]);
    expect(compared?.changes[0]?.change.median).toBeCloseTo(2, 6);
    expect(compared?.warnings.join("\n")).toMatch(/1\.2\.3/);
  });
});
