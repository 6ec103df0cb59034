import type { ResultFile } from "../measure/measurement.js";

/** The result file itself: JSON and nothing else. */
export function jsonReport(file: ResultFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}
