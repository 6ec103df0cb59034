import type { ChalkInstance } from "chalk";
import type { CallSite, CallSiteRanking } from "../trace/call-sites.js";
import { formatBytes, formatCount, formatPercent } from "../units.js";
import { wrap } from "./wrap.js";

interface Style {
  readonly chalk: ChalkInstance;
  readonly width: number;
}

const FRAMES_SHOWN = 6;

/** Who allocates, for a person: one list each by bytes, by live bytes at the peak, by allocations. */
export function callSitesReport(ranking: CallSiteRanking, style: Style): string {
  const { chalk, width } = style;
  if (ranking.stackBytes === null) {
    const text = "This trace has no call sites: record it with rustydb-mem record --stacks to have them.";
    return `${chalk.bold("Call sites")}\n  ${wrap(text, width, "  ")}\n`;
  }
  const rate =
    ranking.stackBytes === 0
      ? "every allocation has its stack, and the figures are exact"
      : `a stack every ${formatBytes(ranking.stackBytes)} allocated, on average: the figures are estimates, of few samples rough ones`;
  const intro = `${formatCount(ranking.sites)} call sites in ${formatCount(ranking.samples)} stacks; ${rate}.`;
  const lists = [
    list("by bytes allocated", ranking.byBytes, ({ bytes }) => bytes, ranking.bytes, formatBytes, style),
    list(
      "by live bytes at the peak",
      ranking.byPeakBytes,
      ({ peakBytes }) => peakBytes,
      ranking.peakBytes,
      formatBytes,
      style,
    ),
    list(
      "by allocations",
      ranking.byBlocks,
      ({ blocks }) => blocks,
      ranking.blocks,
      (blocks) => `${formatCount(blocks)} blocks`,
      style,
    ),
  ];
  return `${[wrap(intro, width), ...lists].join("\n\n")}\n`;
}

function list(
  title: string,
  sites: readonly CallSite[],
  figure: (site: CallSite) => number,
  whole: number,
  format: (value: number) => string,
  style: Style,
): string {
  const lines = [style.chalk.bold(`Call sites ${title}`)];
  for (const site of sites) {
    const share = whole === 0 ? "–" : formatPercent(figure(site) / whole);
    lines.push(`  ${format(figure(site))}, ${share} (${formatCount(site.samples)} stacks)`);
    lines.push(...stackLines(site.frames, style));
  }
  if (sites.length === 0) lines.push("  none");
  return lines.join("\n");
}

/** A line for each of the first frames, and for how many more there are. */
export function stackLines(frames: readonly string[], { chalk, width }: Style): string[] {
  const lines = frames.slice(0, FRAMES_SHOWN).map((frame) => `    ${cut(frame, width - 4)}`);
  const more = frames.length - FRAMES_SHOWN;
  if (more > 0) lines.push(chalk.dim(`    … and ${formatCount(more)} callers`));
  return lines;
}

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;
