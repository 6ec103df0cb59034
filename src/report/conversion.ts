import type { Conversion } from "../trace/event.js";
import { formatBytes, formatCount } from "../units.js";
import { repairs } from "./inspection.js";
import type { InspectionStyle } from "./section.js";

/** What a conversion did, for a person. */
export function conversionReport(conversion: Conversion, style: InspectionStyle): string {
  const { from, to, sourceEvents, resultEvents, report } = conversion;
  const { chalk } = style;
  // Where the rest was not read nobody knows how many there are.
  const whole = from.sha256 !== null && resultEvents !== sourceEvents;
  const kept = whole ? ` of ${formatCount(sourceEvents)}` : "";
  const name = to.path === "-" ? "standard output" : to.path;
  const perEvent = resultEvents === 0 ? "" : `, ${(to.bytes / resultEvents).toFixed(2)} B an event`;
  const origin =
    from.format === "workload"
      ? `of the workload ${from.workload}`
      : `${from.name} has ${formatBytes(from.bytes)}`;
  const sentence =
    `${chalk.bold(name)}: ${formatCount(resultEvents)}${kept} events, ` +
    `${formatBytes(to.bytes)} (${origin})${perEvent}`;
  return `${[sentence, ...repairs(report, style)].join("\n\n")}\n`;
}
