import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import type { ResultFile } from "../../src/measure/measurement.js";
import { type NamedResult, sideBySide } from "../../src/measure/side-by-side.js";
import { sideBySideMarkdown, sideBySideReport } from "../../src/report/side-by-side.js";
import { sideBySideCsv } from "../../src/report/side-by-side-csv.js";
import { measuredTrace, resultFile } from "../measure/sample.js";

async function pair(): Promise<NamedResult[]> {
  const before = resultFile([await measuredTrace("a|b")]);
  const now: ResultFile = {
    ...before,
    comparisons: before.comparisons.map((each) => {
      const times = each.allocator === "rustydb" && each.metric === "warm" ? 1.4 : 1;
      const { median, low, high } = each.ratio;
      return {
        ...each,
        ratio: { median: median * times, low: (low ?? 0) * times, high: (high ?? 0) * times },
      };
    }),
  };
  return [
    { path: "old.json", result: before },
    { path: "new.json", result: now },
  ];
}

describe("results side by side", () => {
  it("lead with what changed", async () => {
    const text = sideBySideReport(sideBySide(await pair(), 0), {
      chalk: new Chalk({ level: 0 }),
      width: 200,
    });
    expect(text.split("\n")[0]).toBe(
      "new against old: time: slower: rustydb on a|b (40 % slower); 1 without a change that could be told. " +
        "peak memory: no change that could be told.",
    );
    expect(text).toMatch(
      /rustydb +0\.\d\d× \[0\.\d\d, 0\.\d\d\] +0\.\d\d× \[0\.\d\d, 0\.\d\d\] +1\.40× \[1\.\d\d, 1\.\d\d\]/,
    );
    expect(text).toMatch(/jemalloc +.* +~1\.00× \[1\.00, 1\.00\]/);
    expect(text).toMatch(/malloc +1\.46 KiB +1\.46 KiB +~1\.00×/);
  });

  it("turn round with the reference", async () => {
    const text = sideBySideReport(sideBySide(await pair(), 1), {
      chalk: new Chalk({ level: 0 }),
      width: 200,
    });
    expect(text).toContain("old against new: time: faster: rustydb on a|b (29 % faster)");
  });

  it("as Markdown have tables whose rows are as wide as their heads", async () => {
    const text = sideBySideMarkdown(sideBySide(await pair(), 0));
    const tables = text.split("\n\n").filter((part) => part.startsWith("| "));
    expect(tables).toHaveLength(3);
    for (const table of tables) {
      const widths = table.split("\n").map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(widths).size).toBe(1);
    }
    expect(text).toContain("## a\\|b");
  });

  it("as Markdown fit into a comment on GitHub, with what was left out counted", async () => {
    const beside = sideBySide(await pair(), 0);
    const [row] = beside.rows;
    if (row === undefined) throw new Error("a sample without rows");
    const rows = Array.from({ length: 900 }, (_, at) => ({ ...row, trace: `trace-${at}` }));
    const warnings = Array.from({ length: 40 }, (_, at) => `warning ${at}`);
    const text = sideBySideMarkdown({ ...beside, rows, warnings });
    expect(text.length).toBeLessThan(65_536);
    const shown = text.match(/^## trace-/gm)?.length ?? 0;
    expect(shown).toBeGreaterThan(50);
    expect(text).toContain(`… and ${900 - shown} more traces.`);
    expect(text).toContain("Shortened to what a comment on GitHub holds");
    expect(text).toContain("and 30 more warnings");
    expect(text).toContain("(reference)");
  });

  it("as CSV have a row a trace, allocator and file", async () => {
    const [head = "", ...rows] = sideBySideCsv(sideBySide(await pair(), 0))
      .trim()
      .split("\n");
    expect(rows).toHaveLength(6);
    const names = head.split(",");
    const row = rows.find((each) => each.startsWith("a|b,rustydb,new.json"))?.split(",") ?? [];
    expect(row).toHaveLength(names.length);
    expect(Number(row[names.indexOf("warm_change")])).toBeCloseTo(1.4, 10);
    expect(row[names.indexOf("is_reference")]).toBe("false");
  });
});
