import type { RecordedTrace, Recording } from "../trace/recording.js";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../units.js";
import { repairs } from "./inspection.js";
import type { InspectionStyle } from "./section.js";
import { wrap } from "./wrap.js";

const CHILDREN_SHOWN = 12;

/** What was recorded, for a person: the program first, then its children, then what was not as it should be. */
export function recordingReport(recording: Recording, style: InspectionStyle): string {
  const { chalk, width } = style;
  const [first, ...children] = recording.traces;
  const sections: string[] = [];
  if (first !== undefined) {
    sections.push(headline(first, style), explained(first, recording.mallocNsPerEvent, style));
  }
  if (children.length > 0) sections.push(childLines(children, style));
  const reports = recording.traces.flatMap(({ report }) => repairs(report, style));
  const warnings = recording.warnings.map((each) => `${chalk.yellow("!")} ${wrap(each, width, "  ")}`);
  return `${[...sections, ...reports, ...(warnings.length > 0 ? [warnings.join("\n")] : [])].join("\n\n")}\n`;
}

const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

function headline(
  { process, trace, peakLiveBytes }: RecordedTrace,
  { chalk, width }: InspectionStyle,
): string {
  const perEvent = trace.events === 0 ? "" : `, ${(trace.bytes / trace.events).toFixed(2)} B an event`;
  const sentence =
    `${chalk.bold(trace.path)}: ${plural(trace.events, "event")} on ${plural(process.threads, "thread")} in ` +
    `${formatDuration(process.durationNs)}, at most ${formatBytes(peakLiveBytes)} alive; ` +
    `${formatBytes(trace.bytes)}${perEvent}; ${formatCount(process.dropped)} events dropped.`;
  return wrap(sentence, width);
}

/** How much of the program a replay of this trace can speak for. */
function explained(recorded: RecordedTrace, nsPerEvent: number, { width }: InspectionStyle): string {
  const { process, shareOfResident, shareOfCpu, trace, peakLiveBytes } = recorded;
  const resident = shareOfResident === null ? "an unknown share" : formatPercent(shareOfResident);
  const cpu = shareOfCpu === null ? "unknown share" : formatPercent(shareOfCpu);
  const how: string[] = [];
  if (shareOfResident !== null)
    how.push(
      `${formatBytes(peakLiveBytes)} alive of ${formatBytes(process.peakResidentBytes)} resident, peak against peak`,
    );
  if (shareOfCpu !== null) {
    how.push(
      `${formatCount(trace.events)} events at ${nsPerEvent.toFixed(1)} ns, which is what malloc costs in a short loop ` +
        `here, of ${formatDuration(process.cpuNs)}`,
    );
  }
  const sentence = `malloc explains ${resident} of this program's resident memory and an estimated ${cpu} of its CPU time`;
  return wrap(`${sentence}${how.length > 0 ? ` (${how.join("; ")})` : ""}.`, width);
}

function childLines(children: readonly RecordedTrace[], { chalk }: InspectionStyle): string {
  const shown = children.slice(0, CHILDREN_SHOWN).map(({ process, trace, peakLiveBytes }) => {
    const origin = process.forked ? `forked from ${process.parentPid}` : `started by ${process.parentPid}`;
    const inherited =
      process.inheritedBlocks > 0 ? `, ${plural(process.inheritedBlocks, "block")} from there` : "";
    return (
      `  ${trace.path}  ${process.program || "?"} (${origin}${inherited}): ${plural(trace.events, "event")}, ` +
      `at most ${formatBytes(peakLiveBytes)} alive${process.dropped > 0 ? `, ${formatCount(process.dropped)} dropped` : ""}`
    );
  });
  const more = children.length - shown.length;
  return [
    chalk.bold(`${formatCount(children.length)} more ${children.length === 1 ? "process" : "processes"}`),
    ...shown,
    ...(more > 0 ? [`  … and ${formatCount(more)} more`] : []),
  ].join("\n");
}
