import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/native.js";
import { readSeries } from "../../src/pressure/read-series.js";

interface Entry {
  readonly file: string;
  readonly what: string;
  readonly limitBytes: number | null;
  readonly seconds: number;
  readonly ranOut: boolean;
  readonly sha256: string;
}

const folder = join(packageRoot, "workloads", "series");
const { series } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
  series: readonly Entry[];
};

describe("the shipped series", () => {
  it("are those of the manifest; some run out, more do not", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".rmt.gz"));
    expect(series.map(({ file }) => file)).toEqual(files.sort());
    expect(series.some(({ ranOut }) => ranOut)).toBe(true);
    expect(series.filter(({ seconds }) => seconds >= 1800).length).toBeGreaterThanOrEqual(16);
  });

  it.each(series)(
    "are what the manifest says: $file",
    async ({ file, sha256, seconds, limitBytes, ranOut }) => {
      const bytes = readFileSync(join(folder, file));
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
      const [read] = await readSeries(join(folder, file));
      const { timeS, usedBytes, totalBytes } = read?.columns ?? { timeS: [], usedBytes: [], totalBytes: [] };
      expect(Math.abs((timeS.at(-1) ?? 0) - seconds)).toBeLessThan(15);
      if (limitBytes !== null)
        expect(totalBytes.every((total) => Math.abs(total - limitBytes) < 1)).toBe(true);
      expect(usedBytes.some((used, at) => used >= (totalBytes[at] ?? 0))).toBe(ranOut);
    },
  );
});
