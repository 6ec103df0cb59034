import type { Tone } from "../cells.js";
import type { Align } from "../section.js";
import { html, type Markup, type Part } from "./markup.js";

export type TableCell = string | Markup | { readonly text: string; readonly tone: Tone };

export interface TableSpec {
  /** What it is called for who does not see it. */
  readonly label: string;
  readonly columns: readonly (string | Markup)[];
  readonly align: readonly Align[];
  /** The first cell of each is its heading. */
  readonly rows: readonly (readonly TableCell[])[];
  /** Headings of rows stay where they are when the table is scrolled. */
  readonly pinned?: boolean;
}

/** `0.62× [0.60, 0.65]` on two lines where tables are wide. */
function cellText(cell: TableCell): Part {
  if (typeof cell === "string" || !("tone" in cell)) return cell;
  const [, middle, ends] = /^(\S.*?) (\[.*\])$/.exec(cell.text) ?? [];
  return ends === undefined ? cell.text : html`${middle} <i>${ends}</i>`;
}

/** The style sheet puts a sign before what has a tone: colour alone tells nothing. */
const toneOf = (cell: TableCell): string =>
  typeof cell !== "string" && "tone" in cell && cell.tone !== "neutral" ? ` ${cell.tone}` : "";

/** A table that scrolls inside of its own box, where it is wider than the page. */
export function table({ label, columns, align, rows, pinned }: TableSpec): Markup {
  const side = (at: number): string => (align[at] === "right" ? "r" : "l");
  const head = columns.map((title, at) => html`<th scope="col" class="${side(at)}">${title}</th>`);
  const body = rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, at) =>
        at === 0
          ? html`<th scope="row" class="${side(at)}${toneOf(cell)}">${cellText(cell)}</th>`
          : html`<td class="${side(at)}${toneOf(cell)}">${cellText(cell)}</td>`,
      )}</tr>`,
  );
  return html`<div class="scroll${pinned && " pinned"}" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
`;
}

export interface FigureSpec {
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly summary: string;
  readonly chart: Markup;
  readonly legend?: Markup;
  /** The same as figures. */
  readonly data: Omit<TableSpec, "label">;
  readonly wide?: boolean;
  /** The figures are what people came for: they are not folded away. */
  readonly open?: boolean;
}

/** A chart with its title, what it says in words, and its figures. */
export function figure({ title, summary, chart, legend, data, wide, open }: FigureSpec): Markup {
  const figures = table({ label: `Figures of: ${title}`, ...data });
  return html`<figure class="${wide ? "wide" : "half"}"><figcaption><strong>${title}</strong><span>${summary}</span></figcaption>${legend}
<div class="scroll chart" tabindex="0" role="region" aria-label="Chart: ${title}">${chart}</div>
${open ? figures : html`<details><summary>Figures<span class="hidden"> of: ${title}</span></summary>${figures}</details>`}</figure>
`;
}

/** Charts side by side where there is room. */
export const figures = (all: readonly Markup[]): Part =>
  all.length > 0 && html`<div class="figures">${all}</div>`;
