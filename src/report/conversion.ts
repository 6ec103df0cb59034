import type { Conversion } from "../trace/event.js";
import { formatBytes, formatCount } from "../units.js";
import { type InspectionStyle, repairs } from "./inspection.js";

/** What a conversion did, for a person. */
export function conversionReport(conversion: Conversion, style: InspectionStyle): string {
  const { from, to, sourceEvents, resultEvents, report } = conversion;
  const { chalk } = style;
  const kept = resultEvents === sourceEvents ? "" : ` of ${formatCount(sourceEvents)}`;
  const perEvent = resultEvents === 0 ? "" : `, ${(to.bytes / resultEvents).toFixed(2)} B an event`;
  const sentence =
    `${chalk.bold(to.path)}: ${formatCount(resultEvents)}${kept} events, ` +
    `${formatBytes(to.bytes)} (${from.name} has ${formatBytes(from.bytes)})${perEvent}`;
  return `${[sentence, ...repairs(report, style)].join("\n\n")}\n`;
}
