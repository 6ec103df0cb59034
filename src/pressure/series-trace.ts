import { TraceError } from "../errors.js";
import { pathOf, runTrace, type TraceSource } from "../trace/source.js";
import { formatCount } from "../units.js";
import type { Series } from "./series.js";
import { SeriesBuilder } from "./series-builder.js";

/**
 * The samples of a trace, with what its blocks had come to by each. Throws TraceError `no-samples`, `no-times`, those of
 * runTrace and of SeriesBuilder.
 */
export async function readTraceSeries(
  source: TraceSource,
  options: { readonly totalBytes?: number; readonly signal?: AbortSignal } = {},
): Promise<Series> {
  const { series, file, report } = await runTrace(
    source,
    { kind: "series" },
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const path = pathOf(source);
  const count = series?.timeS.length ?? 0;
  if (series === null || count === 0) {
    throw new TraceError(
      "no-samples",
      "the trace has no samples of memory",
      { file: path },
      {
        remedy: "Record it with --sample-memory, or see how it fares in a replay: replay --forecast.",
      },
    );
  }
  if (series.timeS.every(Number.isNaN)) {
    throw new TraceError("no-times", "the samples of the trace have no times", { file: path });
  }
  const builder = new SeriesBuilder(path, ["used", "total", "swap", "psi", "allocated", "freed"]);
  const { reading } = builder;
  const at = (column: Float64Array, index: number): number => column[index] ?? Number.NaN;
  for (let index = 0; index < count; index += 1) {
    reading.used = at(series.usedBytes, index);
    reading.total = options.totalBytes ?? at(series.totalBytes, index);
    reading.swap = at(series.swapBytes, index);
    reading.psi = at(series.psiPercent, index);
    reading.allocated = at(series.allocatedBytes, index);
    reading.freed = at(series.freedBytes, index);
    builder.take(at(series.timeS, index), 0);
  }
  builder.notes.push(...report.warnings);
  if (report.dropped > 0) {
    builder.notes.push(
      `${formatCount(report.dropped)} events of the trace could not be taken: inspect tells which`,
    );
  }
  // Only what watches memory records samples and no blocks.
  const hasBlocks = !series.allocatedBytes.every(Number.isNaN);
  return builder.finish(file.name, hasBlocks ? "trace" : "watch");
}
