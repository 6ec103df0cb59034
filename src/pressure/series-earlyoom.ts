import { TraceError } from "../errors.js";
import { linesOf } from "./lines.js";
import type { Series } from "./series.js";
import { SeriesBuilder } from "./series-builder.js";

const HEADER = /^\s*Time\s*\|\s*MemAvail\s+SwapFree\s*\|\s*some\s+avg10\b/;
const UNITS = /^\s*s\s*\|\s*MiB\s+MiB\s*\|/;
const READING = /^\s*(\d+(?:\.\d+)?)\s*\|\s*(\d+)\s+(\d+)\s*\|\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/;
// Titles, rulers, comments, and what was cut out.
const ASIDE = /^\s*(?:#.*|\[\.\.\.\]|[-\s]*|\|.*)$/;
const MIB = 1024 ** 2;

/** Whether the head of a file is that of readings by the oomstat of earlyoom. */
export const isEarlyoom = (head: string): boolean => head.split("\n").some((line) => HEADER.test(line));

/**
 * Readings by the oomstat of earlyoom: available memory, free swap (MiB) and memory pressure. How much of both there is in
 * all is not in it. Throws TraceError `bad-line`, and those of SeriesBuilder.
 */
export async function readEarlyoom(
  bytes: AsyncIterable<Uint8Array>,
  file: string,
  name: string,
  totalBytes?: number,
): Promise<Series> {
  const builder = new SeriesBuilder(file, [
    "available",
    "swap",
    "psi",
    ...(totalBytes === undefined ? [] : ["total" as const]),
  ]);
  const { reading } = builder;
  if (totalBytes !== undefined) reading.total = totalBytes;
  let line = 0;
  for await (const lines of linesOf(bytes, file)) {
    for (const text of lines) {
      line += 1;
      const fields = READING.exec(text);
      if (fields === null) {
        if (HEADER.test(text) || UNITS.test(text) || ASIDE.test(text)) continue;
        throw new TraceError("bad-line", `this is no reading of oomstat: "${text.slice(0, 60)}"`, {
          file,
          line,
        });
      }
      reading.available = Number(fields[2]) * MIB;
      // Free, until the end is known.
      reading.swap = Number(fields[3]) * MIB;
      reading.psi = Number(fields[5]);
      builder.take(Number(fields[1]), line);
    }
  }
  const series = builder.finish(name, "earlyoom");
  return {
    ...series,
    columns: { ...series.columns, swapBytes: usedSwap(series) },
    notes: [
      ...series.notes,
      "swap counts from the most that was ever free, since nothing says how much there is",
    ],
  };
}

function usedSwap({ columns }: Series): Float64Array {
  let most = 0;
  for (const free of columns.swapBytes) most = Math.max(most, free);
  return columns.swapBytes.map((free) => most - free);
}
