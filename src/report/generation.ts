import type { Generation } from "../trace/event.js";
import { formatBytes, formatCount } from "../units.js";
import type { InspectionStyle } from "./section.js";

/** What was generated, for a person. */
export function generationReport(made: Generation, { chalk }: InspectionStyle): string {
  const name = made.to.path === "-" ? "standard output" : made.to.path;
  const rate = made.seconds > 0 ? `, ${formatCount(made.events / made.seconds)} events/s` : "";
  return (
    `${chalk.bold(name)}: ${formatCount(made.events)} events of ${made.workload}, ${formatBytes(made.to.bytes)}` +
    `${rate}\nseed ${made.seed}, workload hash ${made.hash.slice(0, 16)}: with the same options they make the same trace\n`
  );
}
