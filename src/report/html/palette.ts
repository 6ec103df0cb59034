import type { ResultFile } from "../../measure/measurement.js";
import { html, type Markup } from "./markup.js";

/** How an allocator is drawn, the same in every chart: told apart by colour, by dash and by shape. */
export interface SeriesStyle {
  readonly name: string;
  /** A variable of the style sheet, which knows light, dark and paper. */
  readonly colour: string;
  readonly dash: readonly number[];
  /** A path in a square from −1 to 1. */
  readonly shape: string;
}

export type SeriesStyles = (allocator: string) => SeriesStyle;

/** As many as the style sheet has variables `--s0`, `--s1` … */
const COLOURS = 9;
const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [7, 3],
  [2, 2],
  [10, 3, 2, 3],
  [4, 3],
];
const SHAPES = [
  "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
  "M-.85,-.85H.85V.85H-.85Z",
  "M0,-1.15L1.15,0L0,1.15L-1.15,0Z",
  "M0,-1.05L1.05,.8H-1.05Z",
  "M0,1.05L1.05,-.8H-1.05Z",
  "M-1,-.35H-.35V-1H.35V-.35H1V.35H.35V1H-.35V.35H-1Z",
  "M-1.05,0L.8,-1.05V1.05Z",
] as const;

const DRAWN_GREY: Omit<SeriesStyle, "name"> = { colour: "var(--s-base)", dash: [1, 0], shape: SHAPES[0] };

/** The baseline is grey; the others take colours, dashes and shapes in the order of the results. */
export function seriesStyles(file: ResultFile): SeriesStyles {
  const names = new Set(file.results.filter(({ route }) => route !== "none").map((each) => each.allocator));
  names.delete(file.options.baseline);
  const styles = new Map<string, SeriesStyle>();
  for (const [index, name] of [...names].entries()) {
    styles.set(name, {
      name,
      colour: `var(--s${index % COLOURS})`,
      dash: DASHES[index % DASHES.length] ?? [1, 0],
      shape: SHAPES[(index + 1) % SHAPES.length] ?? SHAPES[0],
    });
  }
  return (allocator) => styles.get(allocator) ?? { name: allocator, ...DRAWN_GREY };
}

/** Line and marker of an allocator, as a chart has them. */
export function swatch({ colour, dash, shape }: SeriesStyle): Markup {
  return html`<svg class="swatch" viewBox="-14 -6 28 12" width="28" height="12" aria-hidden="true"><path d="M-14,0H14" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash.join(" ")}"/><path d="${shape}" transform="scale(3.6)" fill="${colour}"/></svg>`;
}

export function legend(styles: readonly SeriesStyle[], others: readonly Markup[] = []): Markup {
  const items = styles.map((style) => html`<li>${swatch(style)}${style.name}</li>`);
  return html`<ul class="legend">${[...items, ...others.map((other) => html`<li>${other}</li>`)]}</ul>`;
}

/** A patch of colour for what is no allocator. */
export function patch(colour: string, name: string): Markup {
  return html`<svg class="swatch" viewBox="0 0 28 12" width="28" height="12" aria-hidden="true"><rect y="1" width="28" height="10" fill="${colour}"/></svg>${name}`;
}
