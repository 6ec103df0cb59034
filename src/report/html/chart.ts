import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { escaped, Markup } from "./markup.js";
import type { SeriesStyle } from "./palette.js";

/** Vega-Lite as plain data: its own types take longer to check than all else here. */
export type Spec = Readonly<Record<string, unknown>>;

export interface ChartSpec {
  readonly width: number;
  readonly height: number;
  readonly layer: readonly Spec[];
}

// Inks are variables of the style sheet: one drawing serves light, dark and paper.
const CONFIG: Spec = {
  aria: false,
  background: "transparent",
  font: "inherit",
  view: { stroke: null },
  axis: {
    labelColor: "var(--ink-2)",
    titleColor: "var(--ink-2)",
    labelFontSize: 11,
    titleFontSize: 11.5,
    titleFontWeight: 500,
    titlePadding: 8,
    gridColor: "var(--grid)",
    domainColor: "var(--axis)",
    tickColor: "var(--axis)",
    tickSize: 4,
  },
  axisY: { domain: false, ticks: false, labelPadding: 6 },
  text: { color: "var(--ink-2)", fontSize: 11 },
};

/** Coordinates to a tenth: nobody sees more, and a page of curves is half as long. */
const rounded = (svg: string): string =>
  svg.replace(/<[^>]*>/g, (tag) =>
    tag.replace(/-?\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10)),
  );

const INHERITED =
  /^(?:fill|stroke|stroke-width|stroke-linecap|stroke-dasharray|text-anchor|font-size|font-weight)$/;
const ATTRIBUTE = / ([\w-]+)="([^"]*)"/g;

/** What all children of a group say is said once by the group: hundreds of marks have a width, and ticks a colour. */
const shared = (svg: string): string =>
  svg.replace(/<g>((?:<(line|path|text) [^<>]*(?:\/>|>[^<]*<\/\2>)){3,})<\/g>/g, (group, inside: string) => {
    const tags = inside.match(/<(?:line|path|text) [^<>]*>/g) ?? [];
    const common = [...(tags[0] ?? "").matchAll(ATTRIBUTE)].filter(
      ([whole, name = ""]) => INHERITED.test(name) && tags.every((tag) => tag.includes(whole)),
    );
    if (common.length === 0) return group;
    const said = common.map(([whole]) => whole).join("");
    const less = inside.replace(/<(?:line|path|text) [^<>]*>/g, (tag) =>
      common.reduce((short, [whole]) => short.replace(whole, ""), tag),
    );
    return `<g${said}>${less}</g>`;
  });

/** What a mark is drawn for nobody with: no path, no pixel. */
const empty = /<path class="(?:background|foreground)"[^>]*(?:d=""|d="M0,0h0v0h0Z")[^>]*\/>/g;

/** Draws charts; what they define inside of one page has a name of its own in each. */
export class Charts {
  private drawn = 0;

  /** @param label what it shows, for who does not see it */
  async draw({ width, height, layer }: ChartSpec, label: string): Promise<Markup> {
    const spec = {
      width,
      height,
      autosize: { type: "fit", contains: "padding" },
      padding: 4,
      config: CONFIG,
      layer,
    } as unknown as TopLevelSpec;
    const view = new View(parse(compile(spec).spec), { renderer: "none" });
    const svg = await view.toSVG();
    view.finalize();
    this.drawn += 1;
    const own = svg
      .replace(/^<svg [^>]*>/, "")
      .replace(empty, "")
      .replace(/ (?:class|role|aria-hidden|aria-roledescription|pointer-events)="[^"]*"/g, "")
      .replace(/ opacity="1"/g, "")
      .replace(/<text [^>]* opacity="0">[^<]*<\/text>/g, "")
      .replace(/(id="|url\(#)(clip|gradient)/g, `$1c${this.drawn}-$2`);
    const open =
      `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escaped(label)}" ` +
      `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="inherit">`;
    return new Markup(`${open}${shared(rounded(own.replaceAll(' font-family="inherit"', "")))}`);
  }
}

/** The channels that tell allocators apart. `of`: those a mark has. */
export function seriesChannels(
  styles: readonly SeriesStyle[],
  ...of: readonly ("color" | "strokeDash" | "shape")[]
): Spec {
  const domain = styles.map(({ name }) => name);
  const ranges = {
    color: styles.map(({ colour }) => colour),
    strokeDash: styles.map(({ dash }) => dash),
    shape: styles.map(({ shape }) => shape),
  };
  return Object.fromEntries(
    of.map((channel) => [
      channel,
      { field: "series", type: "nominal", legend: null, scale: { domain, range: ranges[channel] } },
    ]),
  );
}

/** Ticks of a logarithmic axis that reach over `low` to `high`: as few steps a decade as there is room for. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps =
    decades > 2.2
      ? [1]
      : decades > 1
        ? [1, 2, 5]
        : decades > 0.4
          ? [1, 1.5, 2, 3, 5, 7]
          : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade += 1) {
    for (const step of steps) {
      const tick = Number((step * 10 ** decade).toPrecision(3));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}
