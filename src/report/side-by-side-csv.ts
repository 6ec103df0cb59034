import type { SideBySide } from "../measure/measurement-change.js";
import { csvLine } from "./csv.js";

const COLUMNS = [
  ...["trace", "allocator", "file", "date", "baseline", "is_reference"],
  ...[
    "warm_ratio",
    "warm_ratio_low",
    "warm_ratio_high",
    "warm_different",
    "warm_net_ns_per_event",
    "peak_bytes",
  ],
  ...["warm_change", "warm_change_low", "warm_change_high", "warm_change_different"],
  ...["peak_change", "peak_change_different", "failure"],
];

/** A row for each trace, allocator and file. */
export function sideBySideCsv({ files, reference, rows }: SideBySide): string {
  const lines = rows.flatMap(({ trace, allocator, figures, timeChanges, peakChanges }) =>
    files.flatMap(({ path, date, baseline }, index) => {
      const figure = figures[index];
      if (figure === null || figure === undefined) return [];
      const [time, peak] = [timeChanges[index], peakChanges[index]];
      return [
        [
          ...[trace, allocator, path, date, baseline, index === reference],
          ...[figure.ratio?.median, figure.ratio?.low, figure.ratio?.high, figure.different],
          ...[figure.netNsPerEvent, figure.peakBytes],
          ...[time?.change.median, time?.change.low, time?.change.high, time?.different],
          ...[peak?.change.median, peak?.different, figure.failure],
        ],
      ];
    }),
  );
  return [COLUMNS, ...lines].map(csvLine).join("");
}
