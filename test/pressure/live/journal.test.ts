import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PressureForecaster, PressureState } from "../../../src/native/pressure.js";
import { native } from "../../../src/native.js";
import { Journal, journalRow } from "../../../src/pressure/live/journal.js";
import { observeSample, type Sample } from "../../../src/pressure/live/sample.js";
import { readSeries } from "../../../src/pressure/read-series.js";
import { outputFormatOf } from "../../../src/trace/output.js";
import { runTrace } from "../../../src/trace/source.js";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "journal-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Ten minutes about once a second: growth, a fall, a gap, swap and pressure that come and go. */
function samples(): Sample[] {
  let timeNs = 0;
  return Array.from({ length: 600 }, (_, n) => {
    const sample = {
      timeNs,
      usedBytes: 4e9 + (n % 200) * 9_123_457 + ((n * 7919) % 1009) * 4096,
      totalBytes: n < 400 ? 8 * 1024 ** 3 : 6 * 1024 ** 3,
      swapBytes: n < 50 ? null : n * 4096,
      psiMillipercent: n < 100 ? null : (n * 37) % 1000,
    };
    timeNs += 1_000_000_000 + ((n * 104_729) % 977_777) + (n === 300 ? 90e9 : 0);
    return sample;
  });
}

const forecaster = (): PressureForecaster => new (native().PressureForecaster)({ model: "adaptive" });

async function record(path: string, taken: readonly Sample[]): Promise<Journal> {
  const journal = new Journal(path, outputFormatOf(path), false);
  for (const sample of taken) expect(journal.append(sample)).toBe(true);
  return journal;
}

/** What the readers of series make of it, through the forecaster. */
async function forecastsOf(path: string): Promise<PressureState[]> {
  const [series] = await readSeries(path);
  if (series === undefined) throw new Error("there is no series");
  const { columns } = series;
  const it = forecaster();
  return Array.from(columns.timeS, (timeS, at) => {
    const of = (column: Float64Array): number => column[at] ?? Number.NaN;
    const { usedBytes, totalBytes, swapBytes, psiPercent, allocatedBytes, freedBytes } = columns;
    return it.observe(
      timeS,
      ...([of(usedBytes), of(totalBytes), of(swapBytes)] as const),
      of(psiPercent),
      of(allocatedBytes),
      of(freedBytes),
    );
  });
}

describe("a recording", () => {
  it.each(["out.rmt", "out.rmt.gz", "out.csv", "out.csv.gz"])(
    "as %s replays to the same forecasts, to the last bit",
    async (name) => {
      const path = join(folder(), name);
      const taken = samples();
      const live = forecaster();
      const seen = taken.map((sample) => observeSample(live, sample));
      const journal = await record(path, taken);
      expect(await journal.finish()).toBeGreaterThan(0);
      expect(existsSync(journal.path)).toBe(false);
      const replayed = await forecastsOf(path);
      expect(replayed).toHaveLength(600);
      expect(replayed.at(-1)?.horizons).toHaveLength(3);
      expect(replayed).toEqual(seen);
    },
  );

  it("is readable at every moment before it is complete", async () => {
    const path = join(folder(), "out.rmt");
    const journal = await record(path, samples().slice(0, 7));
    expect(readFileSync(journal.path, "utf8")).toContain(journalRow(samples()[6] as Sample));
    const { analysis } = await runTrace(journal.path, { kind: "inspect" });
    expect(analysis?.samples).toBe(7);
    expect(await forecastsOf(journal.path)).toHaveLength(7);
    await journal.finish();
  });

  it("without a sample leaves nothing", async () => {
    const path = join(folder(), "out.rmt");
    const journal = await record(path, []);
    expect(await journal.finish()).toBe(0);
    expect(existsSync(path) || existsSync(journal.path)).toBe(false);
  });

  it("writes over nothing: neither a trace nor what a killed watch left behind", () => {
    const path = join(folder(), "out.rmt");
    writeFileSync(path, "");
    expect(() => new Journal(path, "rmt", false)).toThrow(/exists already/);
    rmSync(path);
    writeFileSync(`${path}.journal.csv`, "");
    expect(() => new Journal(path, "rmt", false)).toThrow(/left behind/);
    expect(() => new Journal(path, "rmt", true)).not.toThrow();
  });

  it("into a folder that is not there is an error", () => {
    expect(() => new Journal("/nowhere/out.rmt", "rmt", false)).toThrow(/cannot be written/);
  });

  it("without room for even its first line is an error", () => {
    const path = join(folder(), "out.rmt");
    symlinkSync("/dev/full", `${path}.journal.csv`);
    expect(() => new Journal(path, "rmt", true)).toThrow(/cannot be written.*no space/i);
  });
});
