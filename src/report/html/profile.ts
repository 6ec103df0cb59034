import type { TraceResult } from "../../measure/measurement.js";
import type { Lifetimes, TraceProfile } from "../../measure/measurement-profile.js";
import { formatBytes, formatCount, formatDuration } from "../../units.js";
import { share } from "../section.js";
import type { Charts } from "./chart.js";
import { figure, figures, table } from "./figure.js";
import { html, type Markup, type Part } from "./markup.js";
import { byteUnit, countUnit } from "./scales.js";

interface Bars {
  readonly title: string;
  readonly summary: string;
  /** Of the axis of bins, with its unit. */
  readonly axis: string;
  readonly bins: readonly number[];
  /** How the lower end of a bin is written. */
  readonly from: (value: number) => string;
  readonly counted: "blocks" | "bytes";
  readonly colour: string;
}

/** The kind of blocks that nobody gave one. */
const UNNAMED = "unknown";

/** `32.0 ns` → `32 ns`: ends of bins are round. */
const short = (text: string): string => text.replace(/\.0+(?= )/, "");

/** What a chart has for its axis of bins, about. */
const AXIS_PX = 310;

const lowerEnd = (bit: number): number => (bit === 0 ? 0 : 2 ** (bit - 1));

/** A bar for each power of two between the first and the last that is not empty. */
async function barFigure(charts: Charts, bars: Bars): Promise<Markup> {
  const { bins, from, counted } = bars;
  const first = Math.max(
    0,
    bins.findIndex((count) => count > 0),
  );
  const shown = bins.slice(first).map((value, at) => ({ bin: first + at, value }));
  const most = Math.max(...bins, 1);
  const unit = counted === "bytes" ? byteUnit(most) : countUnit(most, "blocks");
  const values = shown.map(({ bin, value }) => ({ bin: from(lowerEnd(bin)), value: value / unit.per }));
  // Labels side by side, and never on top of each other.
  const longest = Math.max(...values.map(({ bin }) => bin.length));
  const every = Math.ceil((shown.length * (7 * longest + 10)) / AXIS_PX);
  const layer = [
    {
      data: { values },
      mark: { type: "bar", color: bars.colour },
      encoding: {
        x: {
          field: "bin",
          type: "ordinal",
          sort: null,
          title: bars.axis,
          scale: { paddingInner: 0.12 },
          axis: { labelAngle: 0, values: values.filter((_, at) => at % every === 0).map(({ bin }) => bin) },
        },
        y: {
          field: "value",
          type: "quantitative",
          title: counted === "bytes" ? `bytes (${unit.name})` : unit.name,
        },
      },
    },
  ];
  const whole = bins.reduce((sum, count) => sum + count, 0);
  return figure({
    title: bars.title,
    summary: bars.summary,
    chart: await charts.draw({ width: 380, height: 230, layer }, `${bars.title}. ${bars.summary}`),
    data: {
      columns: ["from", "below", counted, "share"],
      align: ["right", "right", "right", "right"],
      rows: shown.map(({ bin, value }) => [
        from(lowerEnd(bin)),
        from(2 ** bin),
        counted === "bytes" ? formatBytes(value) : formatCount(value),
        share(value, whole),
      ]),
    },
  });
}

function lifetimes(
  charts: Charts,
  values: Lifetimes,
  title: string,
  axis: string,
  from: (value: number) => string,
): Promise<Markup> {
  return barFigure(charts, {
    title,
    axis,
    from,
    bins: values.blocksByBits,
    counted: "blocks",
    colour: "var(--bar-2)",
    summary: `Half of ${formatCount(values.blocks)} blocks that died lived for at most ${from(values.p50)}, 99 % for at most ${from(values.p99)}.`,
  });
}

function callSites(profile: TraceProfile): Part {
  const { callSites: sites, peak } = profile;
  if (sites === undefined || sites.atPeak.length === 0) return undefined;
  const rate =
    sites.stackBytes === 0
      ? "every allocation has its stack"
      : `a stack every ${formatBytes(sites.stackBytes)} on average, so these are estimates`;
  const most = sites.atPeak[0]?.bytes ?? 1;
  const rows = sites.atPeak.map(({ frames, bytes, blocks }) => {
    const [inner = "(unknown)", ...callers] = frames;
    return [
      html`<code>${inner}</code>${callers.length > 0 && html`<details class="stack"><summary>called by ${callers[0]}</summary><ol>${callers.map((caller) => html`<li><code>${caller}</code></li>`)}</ol></details>`}`,
      html`<span class="gauge" style="--share:${((bytes / most) * 100).toFixed(1)}%">${formatBytes(bytes)}</span>`,
      share(bytes, peak.liveBytes),
      formatCount(blocks),
    ];
  });
  return html`<h4>Who holds memory at the peak</h4>
<p class="note">${formatCount(sites.sites)} call sites in ${formatCount(sites.stacks)} stacks; ${rate}. The first ${sites.atPeak.length} by live bytes at the peak of ${formatBytes(peak.liveBytes)}.</p>
${table({ label: "Call sites at the peak", columns: ["call site", "live at the peak", "share", "blocks"], align: ["left", "right", "right", "right"], rows })}`;
}

function kinds({ kinds: all, bytes }: TraceProfile): Part {
  if (all.every(({ kind }) => kind === UNNAMED)) return undefined;
  return html`<h4>What the memory is for</h4>
${table({
  label: "Kinds of blocks",
  columns: ["kind", "bytes asked for", "share", "blocks", "its own live peak"],
  align: ["left", "right", "right", "right", "right"],
  rows: all.map((kind) => [
    kind.kind,
    formatBytes(kind.bytes),
    share(kind.bytes, bytes),
    formatCount(kind.blocks),
    formatBytes(kind.peakBytes),
  ]),
})}`;
}

/** Sizes, lifetimes, kinds and call sites of a trace; why not, where they were asked for and could not be had. */
export async function profilePart(charts: Charts, trace: TraceResult, id: string): Promise<Part> {
  const { profile } = trace;
  if (profile === undefined) {
    if (trace.profileAbsent === undefined) return undefined;
    return html`<h3 id="${id}">What the trace holds</h3><p>The trace came through a pipe, which can be read only once: to see what it holds, save it as a file and replay that.</p>`;
  }
  const { sizes, lifetimeEvents, lifetimeNs, bytes, blocks } = profile;
  const size = (value: number): string => (value < 1 ? "0 B" : short(formatBytes(value)));
  const events = (value: number): string => `${formatCount(value)}`;
  const sizeAxis = "size of the block (bytes, a bar a doubling)";
  const all = [
    await barFigure(charts, {
      title: "Blocks by size",
      axis: sizeAxis,
      bins: sizes.blocksByBits,
      from: size,
      counted: "blocks",
      colour: "var(--bar)",
      summary: `Half of the ${formatCount(blocks)} blocks have at most ${size(sizes.p50)}, 99 % at most ${size(sizes.p99)}; the largest has ${size(sizes.max)}.`,
    }),
    await barFigure(charts, {
      title: "Bytes by size",
      axis: sizeAxis,
      bins: sizes.bytesByBits,
      from: size,
      counted: "bytes",
      colour: "var(--bar)",
      summary: `${formatBytes(bytes)} are asked for in all: where they are is not where most blocks are.`,
    }),
    await barFigure(charts, {
      title: "Live bytes at the peak, by size",
      axis: sizeAxis,
      bins: sizes.peakBytesByBits,
      from: size,
      counted: "bytes",
      colour: "var(--bar)",
      summary: `${formatBytes(profile.peak.liveBytes)} in ${formatCount(profile.peak.liveBlocks)} blocks are alive at event ${formatCount(profile.peak.event)}.`,
    }),
    ...(lifetimeEvents.blocks > 0
      ? [
          await lifetimes(
            charts,
            lifetimeEvents,
            "Lifetimes, in events of the trace",
            "lifetime (events, a bar a doubling)",
            events,
          ),
        ]
      : []),
    ...(lifetimeNs !== null && lifetimeNs.blocks > 0
      ? [
          await lifetimes(
            charts,
            lifetimeNs,
            "Lifetimes, in time",
            "lifetime (ns to s, a bar a doubling)",
            (ns) => short(formatDuration(ns)),
          ),
        ]
      : []),
  ];
  return html`<h3 id="${id}">What the trace holds</h3>${figures(all)}${kinds(profile)}${callSites(profile)}`;
}
