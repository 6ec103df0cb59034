import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { UserError } from "../../src/errors.js";
import { readSeries, type SeriesOptions } from "../../src/pressure/read-series.js";
import type { Series } from "../../src/pressure/series.js";

/** A folder for one test, gone when the test is. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "series-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The one series in a file with this content. */
export async function seriesOf(
  content: string | Uint8Array,
  options: SeriesOptions = {},
  name = "readings.csv",
): Promise<Series> {
  const path = join(scratch(), name);
  writeFileSync(path, content);
  const [series] = await readSeries(path, options);
  if (series === undefined) throw new Error("there is no series");
  return series;
}

/** The error of it: its code, line, sentence and remedy. */
export async function errorOf(work: Promise<unknown>): Promise<UserError & { line?: number }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("no UserError was thrown");
}
